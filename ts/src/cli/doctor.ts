// SPDX-License-Identifier: MIT
import { AioError, messageOf } from '../errors.js';
import { doctor, describeFindings, type Finding } from '../index.js';
import { examineModule, examinePage, examineWorkerScript } from '../doctor/response.js';
import { ok } from '../doctor/finding.js';
import { UsageError } from './options.js';

/** The worker's script, the module or the page that an address leads to. */
async function examine(address: string): Promise<Finding[]> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError(`${address}: not an address (http://… or https://…)`);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause ?? error;
    throw new AioError('ERR_AIO_IO', `${url.href} does not answer: ${messageOf(cause)}`);
  }
  if (url.pathname.endsWith('.wasm')) return [await examineModule(response, url)];
  if (/\.m?js$/.test(url.pathname)) return [examineWorkerScript(response, url) ?? ok('workers', `${url.href} may be a worker's script`)];
  return [examinePage(response, url)];
}

/** `wasm-aio doctor [ADDRESS]`: 1 if something is wrong. */
export async function runDoctor(argv: string[]): Promise<number> {
  if (argv.length > 1 || argv[0]?.startsWith('-')) {
    throw new UsageError('usage: wasm-aio doctor [ADDRESS of a page, of its .wasm file or of a worker\'s script]');
  }
  const findings = argv[0] === undefined ? await doctor() : await examine(argv[0]);
  process.stdout.write(describeFindings(findings));
  return findings.some(({ state }) => state === 'fault') ? 1 : 0;
}
