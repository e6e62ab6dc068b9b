// SPDX-License-Identifier: MIT
/** The error of a failed runtime names the source lines of C that was compiled with -g, whichever thread has failed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Runtime } from 'wasm-aio';
import { runScript, scratch, spawned } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { pathOf } from './helpers/paths.js';

const SOURCE = `#include <pthread.h>
#include <stdlib.h>
#include "block/aio.h"
#include "block/thread-pool.h"
#define EXPORT(name) __attribute__((export_name(#name), used)) name
static int deeper(int depth)
{
    volatile int frame[64];
    frame[0] = depth; /* overflow: deeper */
    return deeper(depth + 1) + frame[0];
}
int EXPORT(die)(int way)
{
    volatile unsigned wild = 0xfffffff0;
    switch (way) {
    case 0: __builtin_trap(); /* trap: die */
    case 1: return *(volatile int *)wild; /* wild: die */
    case 2: return deeper(0);
    default: abort(); /* abort: die */
    }
}
static void *thread(void *opaque)
{
    die((int)(intptr_t)opaque); /* pthread */
    return NULL;
}
int EXPORT(in_thread)(int way)
{
    pthread_t made;
    return pthread_create(&made, NULL, thread, (void *)(intptr_t)way);
}
static int job(void *opaque)
{
    return die((int)(intptr_t)opaque); /* pool */
}
int EXPORT(in_pool)(int way)
{
    thread_pool_submit(aio_get_thread_pool(qemu_get_current_aio_context()), job, (void *)(intptr_t)way);
    return 0;
}
static void half(void *opaque)
{
    die((int)(intptr_t)opaque); /* bottom half */
}
int EXPORT(in_bottom_half)(int way)
{
    aio_bh_schedule_oneshot(qemu_get_current_aio_context(), half, (void *)(intptr_t)way);
    return 0;
}
int main(int argc, char **argv)
{
    return die(atoi(argv[argc - 1])); /* main */
}
`;
const lineOf = (mark: string): number => SOURCE.split('\n').findIndex((line) => line.includes(`/* ${mark}`)) + 1;

/** What die() does, and what is said of it. */
const WAYS = [
  { way: 0, mark: 'trap: die', says: 'unreachable' },
  { way: 1, mark: 'wild: die', says: 'out of bounds' },
  { way: 2, mark: 'overflow: deeper', says: '(stack overflow|call stack size exceeded)' },
  { way: 3, mark: 'abort: die', says: 'abort\\(\\) was called' },
];

const dir = scratch();
afterAll(dir.remove);
const module = pathToFileURL(join(dir.path, 'dies.wasm'));
beforeAll(async () => {
  writeFileSync(join(dir.path, 'dies.c'), SOURCE);
  expect(await spawned(pathOf('wasm/aiocc'), ['-g', '-o', 'dies.wasm', 'dies.c'], { cwd: dir.path })).toMatchObject({ code: 0, stderr: '' });
});

/** Matches a stack: where it has died, and below that who has called. */
function stackOf({ mark, says }: (typeof WAYS)[number], caller = ''): RegExp {
  const frame = (name: string, line: string): string => `${name} \\(dies\\.c:${line}\\)`;
  const where = mark.startsWith('overflow') ? `${frame('deeper', `(${lineOf(mark)}|${lineOf(mark) - 3}|${lineOf(mark) + 1})`)} < .*deeper` : frame('die', String(lineOf(mark)));
  // The frames of an overflow are the innermost ones only.
  const below = caller === '' || mark.startsWith('overflow') ? '' : ` < ${frame('\\w+', String(lineOf(caller)))}`;
  return new RegExp(`the runtime has failed: .*${says}.*${where}${below}`);
}

// In a process of its own: jest maps the stacks of this one, and loses the places in WebAssembly.
test('each, in the owner', async () => {
  const { stdout } = await runScript(dir.path, `
    import { Runtime } from 'wasm-aio';
    for (const way of [${WAYS.map(({ way }) => way).join()}]) {
      const runtime = await Runtime.create({ module: new URL('${module.href}') });
      try { runtime.call('die', way); } catch ({ code, stack }) { console.log(code, stack.split('\\n')[0]); }
      await runtime.close();
    }
  `);
  const lines = stdout.split('\n');
  WAYS.forEach((way, n) => expect(lines[n]).toMatch(new RegExp(`^ERR_AIO_PANIC .*${stackOf(way).source}`)));
});

test.each(WAYS)('$mark, in an IOThread', async (way) => {
  const runtime = await Runtime.create({ module });
  const io = await runtime.iothread('io0');
  expect((await failure(io.call('die', way.way), 'ERR_AIO_PANIC')).stack).toMatch(stackOf(way));
  await runtime.close();
});

test.each(WAYS)('$mark, in main()', async (way) => {
  const runtime = await Runtime.create({ module, args: ['dies', String(way.way)] });
  expect((await failure(runtime.main(), 'ERR_AIO_PANIC')).stack).toMatch(stackOf(way, 'main'));
  await runtime.close();
});

test.each([['in_thread', 'pthread'], ['in_pool', 'pool'], ['in_bottom_half', 'bottom half']])('a trap by %s()', async (name, mark) => {
  const runtime = await Runtime.create({ module });
  const io = await runtime.iothread('io0');
  const closed = failure(runtime.closed, 'ERR_AIO_PANIC');
  // It may have been answered before the end came.
  await io.call(name, 0).catch(() => undefined);
  expect((await closed).stack).toMatch(stackOf(WAYS[0]!, mark));
  await runtime.close();
});

test('without -g the functions are named', async () => {
  const plain = join(dir.path, 'plain.wasm');
  expect(await spawned(pathOf('wasm/aiocc'), ['-o', plain, join(dir.path, 'dies.c')])).toMatchObject({ code: 0, stderr: '' });
  const runtime = await Runtime.create({ module: new Uint8Array(readFileSync(plain)) });
  expect((await failure(() => runtime.call('die', 0), 'ERR_AIO_PANIC')).message).toMatch(/, in die\]$/);
  await runtime.close();
});
