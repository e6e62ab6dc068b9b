// SPDX-License-Identifier: MIT
/** In a page: runs the cases that the server has for it, one with each load of the page. */
import { runCase } from './case.mjs';
import { WasiHost } from 'wasm-aio/wasi';

/** What programs have printed. */
let printed = '';
const collect = () => new WritableStream({
  write(bytes) {
    printed += new TextDecoder().decode(bytes.slice());
  },
});

async function runProgram({ path, args, patience }) {
  const module = new URL(path, location.origin);
  const host = await WasiHost.create({ module, args: [path, ...args], stdin: '', stdout: collect(), stderr: collect(), timeout: patience });
  try {
    return { code: await host.run(), text: printed };
  } catch (error) {
    return { code: error.code === 'ERR_AIO_PANIC' ? 134 : 1, text: `${printed}\n${error.message}` };
  } finally {
    await host.close();
  }
}

const ask = async (what, body) => fetch(what, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });

const work = await (await ask('/next')).json();
if (work) {
  // What nobody caught is a failure, even if the case is content; a case may handle such events.
  const events = [];
  addEventListener('error', (event) => events.push([event, event.message]));
  addEventListener('unhandledrejection', (event) => events.push([event, `unhandled: ${event.reason?.stack ?? event.reason}`]));
  const outcome = work.path.endsWith('.wasm') ? await runProgram(work) : await runCase(work.runtime, () => import(work.path), work.patience);
  const stray = events.filter(([event]) => !event.defaultPrevented).map(([, text]) => text);
  if (stray.length > 0) Object.assign(outcome, { status: 'failed', code: 1, text: `${outcome.text ?? ''}\n${stray.join('\n')}` });
  await ask('/result', { id: work.id, ...outcome });
  location.reload();
} else {
  await ask('/result', { done: true });
}
