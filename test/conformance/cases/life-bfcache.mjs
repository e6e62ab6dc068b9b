// SPDX-License-Identifier: MIT
/** A page is left and come back to by the browser's history: either as it was, with all its threads, or loaded anew. */
import { Runtime } from 'wasm-aio';

const LEFT = 'wasm-aio conformance: left';
const CALLS = 50;

export default async function ({ page, check, skip, makeWorker }) {
  if (!page) skip('only pages are left');
  const anew = sessionStorage.getItem(LEFT) !== null;
  sessionStorage.removeItem(LEFT);
  const aio = await Runtime.create();
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./life.worker.mjs', import.meta.url)) });
  check((await io.remote.twice(2)) === 4, 'a call');
  if (anew) {
    await aio.close();
    return 'this browser loads the page anew';
  }
  const events = [];
  addEventListener('pagehide', ({ persisted }) => events.push(`pagehide ${persisted}`));
  const shown = new Promise((resolve) => addEventListener('pageshow', resolve));
  // A page that is left while it loads is no entry of the history.
  if (document.readyState !== 'complete') await new Promise((resolve) => addEventListener('load', resolve));
  await new Promise((resolve) => setTimeout(resolve));

  let fired = 0;
  const passed = new Promise((resolve) => {
    for (const ms of [1, 100, 200]) aio.context.timer(`${ms}`, () => ++fired === 3 && resolve()).arm(ms);
  });
  await io.remote.begin([1, 100, 200], 20);
  sessionStorage.setItem(LEFT, '');
  location.href = '/away';
  const calls = Promise.all(Array.from({ length: CALLS }, (_, n) => io.remote.twice(n)));
  const { persisted } = await shown;
  check(persisted, 'the page is shown again, and says that it was not kept');
  sessionStorage.removeItem(LEFT);
  await passed;
  const there = await io.remote.end();
  check(String(there.fired) === '1,100,200', `the IOThread's deadlines passed as ${there.fired}`);
  const answers = await calls;
  check(answers.length === CALLS && answers.every((answer, n) => answer === 2 * n), `answers: ${answers}`);
  check((await io.remote.twice(3)) === 6, 'a call afterwards');
  await (await aio.iothread('another')).clock();
  await aio.context.sleep(1);
  check(fired === 3, `${fired} deadlines passed`);
  await aio.close();
  return events.join();
}
