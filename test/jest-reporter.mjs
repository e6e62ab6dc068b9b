// One line for each file, each failure and each skipped test, and nothing else;
// the sums go into a file for test/run.mjs, which prints them.
import { writeFileSync } from 'node:fs';
import { skip } from './skips.mjs';

export default class Reporter {
  count = { failed: 0, skipped: 0 };

  onTestResult(_test, result) {
    const { numPassingTests, numFailingTests, testResults, testFilePath, perfStats } = result;
    const file = testFilePath.split('/').at(-1);
    const seconds = ((perfStats.end - perfStats.start) / 1000).toFixed(1);
    process.stdout.write(`           ${file}: ${numPassingTests} passed, ${numFailingTests} failed, ${seconds} s\n`);
    for (const { status, fullName } of testResults) {
      if (status === 'pending' || status === 'todo') skip(this.count, `jest:${fullName}`);
    }
    if (result.failureMessage) {
      process.stdout.write(`  FAILED   jest:${file}\n${result.failureMessage}\n`);
      for (const { message, origin } of result.console ?? []) process.stdout.write(`${message}\n${origin}\n`);
    }
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    const sums = {
      passed: numPassedTests,
      // A file that cannot even start has no tests to count: it is one failure.
      failed: numFailedTests + numRuntimeErrorTestSuites + this.count.failed,
      skipped: this.count.skipped,
    };
    if (process.env.JEST_SUMS) writeFileSync(process.env.JEST_SUMS, JSON.stringify(sums));
  }
}
