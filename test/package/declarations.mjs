// The package's declarations, with the libraries that programs have: whole, and each without the others.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { undocumented } from './doc-comments.mjs';

const ES = ['lib.es2022.d.ts'];
const DOM = ['lib.dom.d.ts', 'lib.dom.iterable.d.ts'];
/** The libraries, the packages of types, and what of app/ has to be right with them. */
const WITH = {
  'ES2022 alone': [ES, [], ['platform.ts']],
  'the DOM': [[...ES, ...DOM], [], ['platform.ts', 'platform-dom.ts']],
  "Node's types": [ES, ['node'], ['platform.ts', 'platform-node.ts', 'platform-node-streams.ts']],
  'Symbol.asyncDispose': [[...ES, 'lib.esnext.disposable.d.ts'], [], ['platform.ts', 'platform-using.ts']],
  'all of them': [['lib.esnext.d.ts', ...DOM, 'lib.dom.asynciterable.d.ts'], ['node'], ['platform.ts', 'platform-dom.ts', 'platform-node.ts', 'platform-using.ts']],
};

export function declarationTests(room) {
  const tests = {
    'the declarations name nothing internal, no address, and no other package\'s types'() {
      const files = room.files.filter((file) => file.startsWith('dist/types/'));
      assert.deepEqual(files.sort(), ['index', 'iothread', 'pool', 'ring', 'socket', 'streams', 'wasi', 'wasm-aio'].map((name) => `dist/types/${name}.d.ts`));
      for (const file of files) {
        const text = readFileSync(room.path('app/node_modules/wasm-aio', file), 'utf8');
        assert.doesNotMatch(text, /@internal|\bPointer\b|__points_to|^\/\/\/ <reference|\bimport\(/m, file);
        assert.deepEqual([...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from).filter((from) => from !== './wasm-aio.js'), [], file);
      }
    },
    async 'every public member has a doc comment that is a sentence'() {
      const { default: ts } = await import('typescript');
      const files = ['types/wasm-aio', 'vite', 'wasm'].map((name) => room.path('app/node_modules/wasm-aio/dist', `${name}.d.ts`));
      assert.deepEqual(files.flatMap((file) => undocumented(ts, file)), []);
    },
  };
  for (const [name, [lib, types, files]] of Object.entries(WITH)) {
    tests[`the declarations are right with ${name}`] = async () => {
      const { default: ts } = await import('typescript');
      const entries = ['index', 'wasi', 'iothread', 'pool', 'ring', 'socket', 'streams'].map((entry) => room.path(`app/node_modules/wasm-aio/dist/types/${entry}.d.ts`));
      for (const file of files) room.copy(file);
      const program = ts.createProgram([...entries, ...files.map((file) => room.path('app', file))], {
        strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false, lib, types,
        module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, typeRoots: [room.path('app/node_modules/@types')],
      });
      const faults = ts.getPreEmitDiagnostics(program);
      const host = { getCurrentDirectory: () => room.dir, getCanonicalFileName: (file) => file, getNewLine: () => '\n' };
      assert.equal(ts.formatDiagnostics(faults, host), '');
    };
  }
  return tests;
}
