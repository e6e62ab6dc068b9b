// rolldown: transforms in the threads of emnapi, and bundles two modules of a plugin in those of its own runtime, whose threads it
// starts by themselves and which call the plugin's functions here.
import { bindingOf } from './emnapi.js';
export { imports, instantiated, message } from './emnapi.js';

const modules = {
  '/main.js': "import { twice } from '/twice.js'; export const four = twice(2); export const unused = 1;",
  '/twice.js': 'export const twice = (n) => 2 * n; export const thrice = (n) => 3 * n;',
};
const RESOLVE_ID = 1 << 1, LOAD = 1 << 3;

export async function run(guest) {
  const { transform, BindingBundler, BindingLogLevel } = bindingOf(guest);
  const typed = await Promise.all([1, 2, 3].map((n) => transform('a.ts', `export const a: number = ${n};`)));
  if (!typed.every(({ code }, i) => code === `export const a = ${i + 1};\n`)) return 1;

  const bundler = new BindingBundler();
  const result = await bundler.generate({
    inputOptions: {
      input: [{ name: 'main', import: '/main.js' }], cwd: '/', logLevel: BindingLogLevel.Silent, onLog() {},
      plugins: [{
        name: 'in-memory', hookUsage: RESOLVE_ID | LOAD,
        resolveId: (_context, id) => ({ id }),
        load: (_context, id) => ({ code: modules[id] }),
      }],
    },
    outputOptions: { plugins: [], format: 'es' },
  });
  await bundler.close();
  const code = result.chunks?.[0]?.getCode() ?? '';
  return /twice/.test(code) && !/thrice/.test(code) ? 0 : 2;
}
