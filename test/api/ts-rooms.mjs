// The rooms of ts/src: who may import whom. Imports of types count, and so do those at run time
// (import()). Without an arrow back, a room can be read, tested and loaded without those above it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../ts/src', import.meta.url));

/** From the ground up: each room, and those that its files may import beside their own. */
const ROOMS = {
  errors: [],
  ring: ['errors'],
  wire: ['errors'],
  hosts: ['errors', 'wire'],
  runtime: ['errors', 'wire', 'hosts'],
  api: ['errors', 'wire', 'hosts', 'runtime'],
  trace: ['errors', 'wire', 'hosts', 'runtime'],
  nbd: ['errors', 'hosts', 'runtime', 'api'],
  iothread: ['errors', 'wire', 'hosts', 'runtime', 'trace', 'api', 'nbd'],
  socket: ['errors', 'hosts', 'runtime', 'api'],
  wasi: ['errors', 'wire', 'hosts', 'runtime', 'trace'],
  whole: ['errors', 'wire', 'hosts', 'runtime', 'api', 'iothread', 'trace'],
  pool: ['errors', 'wire', 'hosts', 'runtime', 'iothread', 'whole'],
  bench: ['errors', 'runtime', 'api', 'iothread', 'whole'],
  doctor: ['errors', 'hosts', 'runtime', 'whole'],
  'nbd-server': ['errors', 'runtime', 'api', 'iothread'],
  entries: ['errors', 'ring', 'wire', 'hosts', 'runtime', 'api', 'iothread', 'trace', 'socket', 'wasi', 'whole', 'pool', 'doctor'],
  cli: ['errors', 'hosts', 'runtime', 'api', 'trace', 'wasi', 'iothread', 'bench', 'nbd-server', 'doctor', 'whole', 'entries'],
};

/** The files that are in no folder. */
const TOP = {
  errors: ['errors', 'error-codes', 'errno', 'check', 'abort', 'face', 'platform', 'version', 'wasm'],
  entries: ['public', 'index', 'browser', 'wasi', 'wasi-browser', 'iothread-node', 'iothread-browser', 'comlink', 'pool', 'pool-browser', 'ring', 'socket', 'socket-browser', 'streams', 'vite'],
};

function roomOf(file) {
  const [folder, ...rest] = file.split('/');
  if (rest.length > 0) return folder;
  return Object.keys(TOP).find((room) => TOP[room].includes(folder.replace(/\.ts$/, '')));
}

/** Each file, with those that it imports. */
async function imports() {
  const { default: ts } = await import('typescript');
  const files = readdirSync(source, { recursive: true }).filter((name) => name.endsWith('.ts'));
  return new Map(files.map((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(source, file), 'utf8'), true, true);
    const own = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
    return [file, [...new Set(own.map((name) => normalize(join(dirname(file), name)).replace(/\.js$/, '.ts')))]];
  }));
}

/** A circle of files, if there is one: each imports the next. */
function circleIn(graph) {
  const done = new Set();
  const path = [];
  const visit = (file) => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next);
      if (circle) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const circle = visit(file);
    if (circle) return circle;
  }
  return undefined;
}

export const checks = {
  async 'every file of ts/src is in a room, and imports what exists'() {
    const graph = await imports();
    assert.ok(graph.size > 100);
    assert.deepEqual([...graph.keys()].filter((file) => !(roomOf(file) in ROOMS)), []);
    for (const [file, imported] of graph) for (const name of imported) assert.ok(graph.has(name), `${file} imports ${name}`);
  },

  async 'no room of ts/src imports one above it'() {
    const wrong = [];
    for (const [file, imported] of await imports()) {
      const room = roomOf(file);
      for (const name of imported) {
        const to = roomOf(name);
        if (to !== room && !ROOMS[room].includes(to)) wrong.push(`${file} (${room}) imports ${name} (${to})`);
      }
    }
    assert.deepEqual(wrong, []);
    const rooms = Object.keys(ROOMS);
    for (const [room, below] of Object.entries(ROOMS)) for (const name of below) assert.ok(rooms.indexOf(name) < rooms.indexOf(room), `${room}: ${name}`);
  },

  async 'no files of ts/src import each other in a circle'() {
    assert.equal(circleIn(await imports()), undefined);
  },
};
