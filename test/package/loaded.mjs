// What a page or a program loads of the package, as a bundler makes it.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/**
 * Bundles and minifies a script. {start, all}: bytes gzipped, of what has to be there before anything
 * works, and with what is only loaded when it is needed; inputs: the files that the first of these are made of. (always: what the script is known to import at once.)
 */
export async function loadedBy(contents, platform, resolveDir, always = /^$/) {
  const { outputFiles, metafile: { outputs } } = await build({
    stdin: { contents, resolveDir, sourcefile: 'entry.js' }, outdir: '/loaded', absWorkingDir: '/',
    bundle: true, splitting: true, minify: true, format: 'esm', platform, write: false, metafile: true, logLevel: 'silent',
  });
  const files = new Map(outputFiles.map(({ path, contents: bytes }) => [path.slice(1), bytes]));
  const size = (names) => gzipSync(Buffer.concat(names.map((name) => files.get(name))), { level: 9 }).length;
  const isAlways = (name) => Object.keys(outputs[name].inputs).some((input) => always.test(input));
  const start = new Set();
  const take = (name) => {
    if (start.has(name)) return;
    start.add(name);
    for (const { path, kind, external } of outputs[name].imports) {
      if (!external && (kind === 'import-statement' || isAlways(path))) take(path);
    }
  };
  take(Object.keys(outputs).find((name) => outputs[name].entryPoint !== undefined && /^loaded\/stdin/.test(name)));
  const inputs = [...start].flatMap((name) => Object.keys(outputs[name].inputs));
  return { start: size([...start]), all: size([...files.keys()]), inputs };
}
