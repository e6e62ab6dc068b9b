// The folders of the C side are rooms on floors, and no file includes a header of a room above its own
// (docs/decisions/0028-rooms-of-the-c-side.md).
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

/** From the ground up: the folders of each room, and the public headers that declare its functions. Rooms of one floor do not know each other. */
const FLOORS = [
  { base: ['aio/api-version.h', 'aio/machine.h', 'qemu/atomic.h', 'qemu/osdep.h', 'qemu/queue.h', 'qemu/rcu.h', 'qemu/typedefs.h', 'wasm/include/'] },
  { port: ['core-c/port/', 'wasm/port/'] },
  {
    qapi: ['core-c/qapi/', 'qapi/error.h', 'qemu/error-report.h', 'qemu/sockets.h'],
    sync: ['core-c/sync/', 'aio/trace.h', 'qemu/event_notifier.h', 'qemu/futex.h', 'qemu/thread.h'],
  },
  { time: ['core-c/time/', 'qemu/timer.h'], libc: ['wasm/libc/'] },
  { gmain: ['core-c/gmain/', 'qemu/gmain.h', 'qemu/gmain-glib.h'] },
  { loop: ['core-c/loop/', 'block/aio.h', 'block/aio-later.h', 'block/aio-wait.h', 'qemu/defer-call.h', 'qemu/main-loop.h'] },
  { block: ['core-c/block/', 'block/block.h', 'block/nbd-client.h', 'block/raw-aio.h', 'block/thread-pool.h'] },
  {
    coroutine: ['core-c/coroutine/', 'aio/export.h', 'qemu/coroutine.h', 'qemu/coroutine_int.h', 'qemu/lockable.h'],
    iothread: ['core-c/iothread/', 'sysemu/iothread.h'],
  },
  { runtime: ['wasm/runtime/'] },
  { bench: ['wasm/bench/'] },
];

/** Where QEMU's header includes one of a higher room, programs rely on it. */
const AS_IN_QEMU = ['core-c/include/block/aio.h -> core-c/include/qemu/coroutine.h'];

const PUBLIC = 'core-c/include/';
const places = FLOORS.flatMap((rooms, floor) => Object.entries(rooms).flatMap(([room, list]) =>
  list.map((place) => ({ room, floor, place: place.endsWith('/') ? place : PUBLIC + place }))));
const roomOf = (file) => places.find(({ place }) => (place.endsWith('/') ? file.startsWith(place) : file === place));

const FOLDERS = ['core-c', 'core-c/include', 'core-c/port/posix', 'core-c/port/sim/native', 'wasm', 'wasm/port'];
/** The file of this tree that an include means; undefined: there is none. */
const fileOf = (from, name) => [dirname(from), ...FOLDERS].map((folder) => join(folder, name)).find((file) => existsSync(join(top, file)));

const INCLUDE = /^[ \t]*#[ \t]*include[ \t]+"([^"]+)"/gm;

/** What is wrong with the includes of a file: lines of text. */
function faults(file, text) {
  const own = roomOf(file);
  if (!own) return [`${file}: in no room: add it to FLOORS`];
  return [...text.matchAll(INCLUDE)].flatMap(([, name]) => {
    const included = fileOf(file, name);
    if (included === undefined) return [`${file}: includes "${name}", which is no file of this tree`];
    const other = roomOf(included);
    if (!other) return included.endsWith('.def') ? [] : [`${included}: in no room: add it to FLOORS`];
    const upward = other.floor > own.floor || (other.floor === own.floor && other.room !== own.room);
    const arrow = `${file} -> ${included}`;
    return upward && !AS_IN_QEMU.includes(arrow) ? [`${arrow}: ${own.room} must not know ${other.room}`] : [];
  });
}

const read = (file) => readFileSync(join(top, file), 'utf8');

export const checks = {
  'no file of the C side includes a header of a room above its own'() {
    const files = ['core-c', 'wasm'].flatMap((folder) => readdirSync(join(top, folder), { recursive: true }).map((name) => join(folder, name)))
      .filter((name) => /\.[ch]$/.test(name) && !/private-names\.h$/.test(name));
    assert.ok(files.length > 150);
    assert.deepEqual(files.flatMap((file) => faults(file, read(file))), []);
    // No place of the table, and no exception, is left over.
    assert.deepEqual(places.filter(({ place }) => !existsSync(join(top, place))).map(({ place }) => place), []);
    assert.deepEqual(AS_IN_QEMU.filter((arrow) => !read(arrow.split(' -> ')[0]).includes('"qemu/coroutine.h"')), []);
  },

  'an include that points upward is found'() {
    const found = (file, ...names) => faults(file, names.map((name) => `#include "${name}"\n`).join('')).map((fault) => fault.slice(fault.indexOf(': ') + 2));
    assert.deepEqual(found('core-c/loop/bh.c', 'loop/bh.h', 'time/clock.h', 'port/port.h', 'block/aio.h'), []);
    assert.deepEqual(found('core-c/loop/bh.c', 'block/pool.h'), ['loop must not know block']);
    assert.deepEqual(found('core-c/loop/bh.c', 'block/thread-pool.h'), ['loop must not know block']);
    assert.deepEqual(found('core-c/time/timer.c', 'loop/part.h', 'qemu/timer.h'), ['time must not know loop']);
    assert.deepEqual(found('core-c/port/posix/aio.c', 'sync/wait.h'), ['port must not know sync']);
    assert.deepEqual(found('wasm/port/thread.c', 'runtime/runtime.h', 'wasm-port.h'), ['port must not know runtime']);
    assert.deepEqual(found('core-c/iothread/iothread.c', 'coroutine/coroutine.h'), ['iothread must not know coroutine']);
    assert.deepEqual(found('core-c/sync/mutex.c', 'qapi/error.h'), ['sync must not know qapi']);
    assert.deepEqual(found('core-c/loop/bh.c', 'nowhere.h'), ['includes "nowhere.h", which is no file of this tree']);
    assert.deepEqual(found('core-c/attic/old.c'), ['in no room: add it to FLOORS']);
  },
};
