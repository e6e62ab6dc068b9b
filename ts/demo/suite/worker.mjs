// SPDX-License-Identifier: MIT
// A worker of the conformance suite on the site. Its first message is the text of the script that it is to be; functions.js has each
// such script as a function, because the site's policy (worker-src 'self') refuses workers that are made from texts.
import { functions } from './functions.js';
import { toolkit } from './toolkit.js';
import { features } from './features.js';

const served = new Map([...functions, [`async () => (${features})()`, features]]);
const [before, after] = [`(${toolkit})().serve(`, ');'];

globalThis.startWorker = (text) => {
  const worker = new Worker(import.meta.url, { type: 'module' });
  worker.postMessage(text);
  return worker;
};

if (typeof document === 'undefined') {
  addEventListener('message', ({ data: text }) => {
    const script = text.startsWith(before) ? text.slice(before.length, -after.length) : text;
    const run = served.get(script);
    if (!run) throw new Error(`functions.js does not have ${script}`);
    if (script === text) run();
    else toolkit().serve(run);
  }, { once: true });
}
