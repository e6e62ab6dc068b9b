// SPDX-License-Identifier: MIT
import { AioError, messageOf } from '../errors.js';
import { doctor, describeFindings, type Finding } from '../index.js';
import { examineIsolateScript, examineModule, examinePage, examineWorkerScript, isolateScript } from '../doctor/response.js';
import { ok } from '../doctor/finding.js';
import { helpOf, parseOptions, UsageError, type Command } from './options.js';
import { print } from './output.js';

async function get(url: URL): Promise<Response> {
  try {
    return await fetch(url);
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause ?? error;
    throw new AioError('ERR_AIO_IO', `${url.href} does not answer: ${messageOf(cause)}`);
  }
}

/** Examines what is at an address: a worker's script, a module or a page. */
async function examine(address: string): Promise<Finding[]> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError(`${address}: not an address (http://… or https://…)`);
  const response = await get(url);
  if (url.pathname.endsWith('.wasm')) return [await examineModule(response, url)];
  if (/\.m?js$/.test(url.pathname)) return [examineWorkerScript(response, url) ?? ok('workers', `${url.href} may be a worker's script`)];
  const finding = examinePage(response, url);
  if (finding.state !== 'fault' || !response.ok) return [finding];
  const script = isolateScript(await response.text(), url);
  return [script ? examineIsolateScript(await get(script), script) : finding];
}

const command: Command<never> = {
  name: 'doctor',
  usage: '[ADDRESS]',
  about: "Says what is wrong here, or with what is served at ADDRESS: a page, its .wasm file or a worker's script. The exit code is 1 if something is wrong.",
  options: {},
  operands: 1,
};

/** The command `wasm-aio doctor [ADDRESS]`. Its exit code is 1 if something is wrong. */
export async function runDoctor(argv: string[]): Promise<number> {
  const given = parseOptions(command, argv);
  if (!given) {
    await print(helpOf(command));
    return 0;
  }
  const [address] = given.operands;
  const findings = address === undefined ? await doctor() : await examine(address);
  await print(describeFindings(findings));
  return findings.some(({ state }) => state === 'fault') ? 1 : 0;
}
