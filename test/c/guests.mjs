// Runs tests in WebAssembly for test/c/run.mjs: each in an instance of its own, with
// its own memory and workers, one after the other in one process. Starting Node for
// each would take most of the time.
//
// A message {args, timeout} in is answered by {code, out}, as if a process had ended.
import { readFileSync } from 'node:fs';
import { WasiHost } from '../../dist/wasi.js';

const [module, scratch] = process.argv.slice(2);
// Compiled once, since it takes a fifth of what an instance costs.
const compiled = await WebAssembly.compile(readFileSync(module));
const env = Object.fromEntries(['TEST_SEED', 'TEST_LONG'].filter((name) => process.env[name]).map((name) => [name, process.env[name]]));

async function run(args, timeout) {
  const written = [];
  const output = () => new WritableStream({ write: (bytes) => void written.push(Buffer.from(bytes)) });
  const host = await WasiHost.create({
    module: compiled, args: ['tests', ...args], env, dirs: { '/tmp': scratch }, stdout: output(), stderr: output(), timeout,
  });
  let code;
  let why = '';
  try {
    code = await host.run();
  } catch (error) {
    code = error.code === 'ERR_AIO_PANIC' ? 134 : 1;
    why = error.code === undefined ? error.stack : error.message;
  }
  await host.close();
  return { code, out: Buffer.concat(written).toString() + why };
}

process.on('message', async ({ args, timeout }) => {
  process.send(await run(args, timeout));
});
