// What must be true of the package that is published. `make test` runs publishTests on what `npm pack`
// makes; `make publish-check` does so, too, and looks at what only the publisher can fill in.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linksOf } from './docs.mjs';
import { Room, top } from './room.mjs';

/** Bytes of the installed package. 0.2 MiB of it is the conformance suite, as it was written, since it prints its cases for reports of faults; 0.08 the server of nbd-serve; 0.2 the NBD client and its commands, which is in two modules, two libraries and two workers; 0.15 are the picture in README; 0.03 record what WASI programs wait for, in two workers, the host and the libc; 0.05 are sockets, their guide and its table of runtimes. */
const SIZE_BUDGET = 4_512_000;

/** A sentence for each thing that the publisher has to do, by package.json and the text of CHANGELOG.md. */
export function publisherFaults(manifest, changes) {
  const faults = [];
  const wanted = { homepage: manifest.homepage, 'repository.url': manifest.repository?.url, 'bugs.url': manifest.bugs?.url };
  const isAddress = (text) => typeof text === 'string' && /^(git\+)?https:\/\/[^/]+\/./.test(text);
  for (const [name, value] of Object.entries(wanted)) {
    if (!isAddress(value)) faults.push(`package.json: ${name} is ${JSON.stringify(value ?? '')}: fill in an https address (npm pkg set ${name}=https://…)`);
  }
  const { access, provenance } = manifest.publishConfig ?? {};
  if (access !== 'public') faults.push('package.json: publishConfig.access must be "public"');
  if (provenance !== true) faults.push('package.json: publishConfig.provenance must be true; npm publish then has to run in the CI of the repository');
  if (manifest.private) faults.push('package.json: "private" keeps npm from publishing');
  if (!changes.includes(`\n## ${manifest.version}`)) faults.push(`CHANGELOG.md has no section "## ${manifest.version}": rename "## Unreleased", and set the version in package.json`);
  return faults;
}

/** Tests of the packed package, by name. */
export function publishTests(room) {
  const installed = () => room.path('app/node_modules/wasm-aio');
  const tarball = () => new Uint8Array(readFileSync(room.tarball));
  return {
    async 'publint finds nothing'() {
      const { publint } = await import('publint');
      const { formatMessage } = await import('publint/utils');
      const { messages, pkg } = await publint({ pack: { tarball: tarball().buffer }, strict: true });
      assert.deepEqual(messages.map((message) => formatMessage(message, pkg)), []);
    },

    // An ES module: what require() and resolvers without exports make of it is no fault.
    async 'are-the-types-wrong finds nothing'() {
      const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core');
      const { types, problems, entrypoints } = await checkPackage(createPackageFromTarballData(tarball()));
      assert.equal(types.kind, 'included');
      const found = problems.filter(({ kind, resolutionKind }) => kind !== 'CJSResolvesToESM' && resolutionKind !== 'node10');
      assert.deepEqual(found, []);
      for (const entry of ['./iothread', './wasi', './vite']) assert.ok(Object.keys(entrypoints).includes(entry), entry);
    },

    // Of each folder, what must be there; all else is a stranger.
    async 'the tarball holds what users need, and nothing else'() {
      const expected = [
        /^(package\.json|README\.md|LICENSE|THIRD-PARTY-NOTICES|emsdk\.config|CHANGELOG\.md|CONTRIBUTING\.md|SECURITY\.md)$/,
        /^docs\/((guides|decisions)\/)?[\w-]+\.md$/, /^docs\/images\/([\w-]+-light\.jpg|(call|scaling)\.svg)$/, /^docs\/examples\/\w+\.(c|js)$/,
        /^dist\/(?!demo\/)([\w-]+\/)*[\w-]+\.(js|d\.ts)$/, /^dist\/conformance\/conformance\.html$/, /^dist\/(aio|bench)\.wasm$/,
        /^core-c\/include\/(aio|block|qapi|qemu|sysemu)\/[\w-]+\.h$/,
        /^wasm\/(aiocc|aiocc\+\+|aioar|aioranlib|[\w-]+\.mjs|exports\.txt|config\.site|include\/(first|sys)\/\w+\.h|cmake\/(wasm-aio|Platform\/Emscripten)\.cmake|port\/(machine\.h|(stack-switch|no-coroutine)\.wat)|libc\/wrapped\.txt)$/,
        /^wasm\/toolchain\/(find-toolchain|get-emscripten)\.sh$/, /^build\/wasm\/lib(aioloop|aiocoroutine|aiolibc)\.a$/,
      ];
      assert.deepEqual(room.files.filter((file) => !expected.some((pattern) => pattern.test(file))), []);
      assert.deepEqual(expected.filter((pattern) => !room.files.some((file) => pattern.test(file))), []);
      for (const header of readdirSync(join(top, 'core-c', 'include'), { recursive: true })) {
        if (header.endsWith('.h')) assert.ok(room.files.includes(join('core-c', 'include', header)), header);
      }
      const size = room.files.reduce((sum, file) => sum + statSync(join(installed(), file)).size, 0);
      process.stdout.write(`           the package: ${room.files.length} files, ${size} bytes\n`);
      assert.ok(size <= SIZE_BUDGET, `${size} bytes`);
    },

    // By esbuild, which knows nothing of how the package was put together.
    async 'an entry of the package leads to each module of the tarball'() {
      const { build } = await import('esbuild');
      const scripts = room.files.filter((file) => file.startsWith('dist/') && file.endsWith('.js'));
      const { exports, bin } = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8'));
      const addresses = scripts.flatMap((file) => [...readFileSync(join(installed(), file), 'utf8').matchAll(/new URL\('(\.[^']+\.js)'/g)].map(([, name]) => join(dirname(file), name)));
      // The page of the conformance suite has its own script.
      const entries = ['dist/conformance/page.js', ...Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry))), ...Object.values(bin), ...addresses]
        .filter((file) => file.endsWith('.js'));
      const { metafile } = await build({
        entryPoints: [...new Set(entries.map((file) => join(installed(), file)))], absWorkingDir: installed(), bundle: true, format: 'esm', platform: 'node',
        packages: 'external', write: false, metafile: true, outdir: room.path('reached'), logLevel: 'silent',
      });
      assert.deepEqual(scripts.filter((file) => !(file in metafile.inputs)), []);
    },

    async 'every link of a page in the tarball leads to a file in it'() {
      const broken = [];
      for (const page of room.files.filter((file) => file.endsWith('.md'))) {
        for (const { target, file } of linksOf(page, installed())) if (!existsSync(join(installed(), file))) broken.push(`${page}: ${target}`);
      }
      assert.deepEqual(broken, []);
      assert.ok(linksOf('README.md', installed()).length > 20);
    },

    async 'publish-check says what the publisher has to fill in'() {
      const manifest = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
      const empty = publisherFaults({ ...manifest, homepage: '', repository: undefined, bugs: { url: 'mailto:me' }, publishConfig: undefined }, '## Unreleased\n');
      for (const words of [/homepage is ""/, /repository\.url is ""/, /bugs\.url is "mailto:me"/, /access/, /provenance/, /CHANGELOG/]) assert.match(empty.join('\n'), words);
      const address = 'https://example.org/wasm-aio';
      const filled = { ...manifest, homepage: address, repository: { type: 'git', url: `git+${address}.git` }, bugs: { url: `${address}/issues` } };
      assert.deepEqual(publisherFaults(filled, `# Changes\n\n## ${manifest.version} (today)\n`), []);
    },
  };
}

async function publishCheck() {
  const room = new Room();
  const faults = publisherFaults(JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')), readFileSync(join(top, 'CHANGELOG.md'), 'utf8'));
  try {
    await room.install();
    for (const [name, test] of Object.entries(publishTests(room))) await test().catch((error) => faults.push(`not true: ${name}\n${error.message}`));
    process.stdout.write(room.files.map((file) => `           ${file}\n`).join(''));
  } finally {
    room.remove();
  }
  for (const fault of faults) process.stderr.write(`publish-check: ${fault}\n`);
  process.stdout.write(faults.length === 0 ? 'ready: npm publish\n' : `${faults.length} things to do before npm publish\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await publishCheck();
