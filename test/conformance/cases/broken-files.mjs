// SPDX-License-Identifier: MIT
/** A file of an IOThread that does not load: the same code for `worker` and `module`, and the reason as `cause`. */
import { Runtime } from 'wasm-aio';

const here = (name) => new URL(`./broken-files.${name}`, import.meta.url);
const MISSING = /HTTP status 404|not ?found|no such file|cannot find|ENOENT/i;

/** For each file: the class of the cause and its text. */
const files = {
  'missing.mjs': [Error, MISSING],
  'throws.mjs': [RangeError, /broken by itself/],
  'syntax.mjs': [Error, /unexpected|expected|errors building/i],
  'astray.mjs': [RangeError, /astray/],
  'imports.mjs': [Error, /missing|import/i],
};
/** Of the server of pages, which gives each file its type. */
const inPages = {
  'no-script.html': [Error, /broken-files\.no-script\.html comes as "text\/html", not "text\/javascript"/],
};

export default async function ({ makeWorker, check, page, runtime }) {
  const aio = await Runtime.create({ reserve: 0 });
  for (const [name, [type, text]] of Object.entries({ ...files, ...(page ? inPages : {}) })) {
    for (const code of [{ worker: () => makeWorker(here(name)) }, { module: here(name) }]) {
      const what = `${name} as ${Object.keys(code)}`;
      const error = await aio.iothread('io', code).then(() => check(false, `${what}: it started`), (error) => error);
      const told = `${what}: ${error}, cause ${error.cause}`;
      check(error.code === 'ERR_AIO_INVALID_ARG', told);
      check(error.cause instanceof type && text.test(error.cause.message), told);
      check(error.message.includes(error.cause.message), told);
      check(name !== 'astray.mjs' || error.cause.code === 'EASTRAY', `${told} ${error.cause.code}`);
      if (page) check(name !== 'missing.mjs' || /broken-files\.missing\.mjs answers with HTTP status 404/.test(error.message), told);
      // Deno tells no stack of a worker that has not got as far as to the package.
      check(name !== 'throws.mjs' || runtime === 'deno' || /broken-files\.throws/.test(error.cause.stack), `${told}, stack ${error.cause.stack}`);
    }
  }
  check(aio.workerCount === 0, `${aio.workerCount} workers`);
  // Neither fetched nor made: another origin, and a port where nobody listens.
  if (page) {
    const far = new URL('http://127.0.0.1:1/far.mjs');
    const made = await aio.iothread('io', { worker: () => makeWorker(far) }).catch((error) => error);
    check(made.code === 'ERR_AIO_INVALID_ARG' && made.cause, `another origin: ${made}`);
    const imported = await aio.iothread('io', { module: far }).catch((error) => error);
    check(imported.code === 'ERR_AIO_INVALID_ARG' && /far\.mjs cannot be fetched: /.test(imported.message), `nobody: ${imported}`);
  }
  await aio.close();
}
