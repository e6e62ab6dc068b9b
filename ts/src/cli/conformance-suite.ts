// SPDX-License-Identifier: MIT
/** The conformance suite, as far as the command uses it. It is plain JavaScript (ts/conformance), because pages and shells run it, too. */

export interface SuiteCase {
  /** The area and the name of the case: 'wait/time-out'. */
  id: string;
  area: string;
  title: string;
  /** The clause of the standard that the case tests. */
  clause: string;
  requires: string[];
}

export interface Result {
  id: string;
  status: 'passed' | 'failed' | 'not run';
  /** What the case has measured, why it failed, or what it lacked. */
  text: string;
  ms: number;
}

export interface Judged extends Result {
  /** fixed: it passed, though it is in the list of known failures; differs: so it is in an untried version only. */
  verdict: 'passed' | 'expected' | 'failed' | 'fixed' | 'differs' | 'not run';
  /** The reason of an expected failure. */
  why?: string;
}

export interface RuntimeVersion {
  name: string;
  version: string;
}

export interface Suite {
  areas: { area: string; title: string }[];
  cases: SuiteCase[];
  reproduction(one: SuiteCase): string;
  judge(results: Result[], runtime: RuntimeVersion): Judged[];
  thisRuntime(): RuntimeVersion;
}

export const PROGRAM = new URL('../conformance/program.js', import.meta.url);

export async function loadSuite(): Promise<Suite> {
  const load = async (url: URL): Promise<unknown> => await import(url.href);
  const [suite, expected] = await Promise.all([load(new URL('../conformance/suite.js', import.meta.url)), load(new URL('../conformance/expected.js', import.meta.url))]);
  return { ...suite as object, ...expected as object } as Suite;
}
