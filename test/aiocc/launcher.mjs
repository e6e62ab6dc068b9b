// Tests of `aiocc --launcher`: programs that run themselves.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, top } from './room.mjs';

const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char here[4096];
    FILE *f = fopen("made", "w");
    int c;
    if (!f) { perror("made"); return 1; }
    fclose(f);
    printf("%s %s %s %s\\n", argv[0], argv[1], getcwd(here, sizeof(here)), getenv("GIVEN"));
    while ((c = getchar()) != EOF) putchar(c);
    fputs("told\\n", stderr);
    return argc;
}`;

const aiocc = `'${join(top, 'wasm', 'aiocc')}'`;

export const launcher = {
  async 'a program with a launcher runs as a native one: directory, environment, streams, exit code'(room) {
    room.write('main.c', PROGRAM);
    assert.deepEqual(await room.aiocc('--launcher', 'main.c', '-o', "it's"), { code: 0, out: '', err: '' });
    mkdirSync(join(room.dir, 'sub dir'));
    const ran = await execute('sh', ['-c', `cd 'sub dir' && echo 'a line' | env GIVEN=there ../it\\'s 'two words' -x`], room.dir);
    assert.deepEqual(ran, { code: 3, out: `../it's two words ${join(room.dir, 'sub dir')} there\na line\n`, err: 'told\n' });
    assert.equal(readFileSync(join(room.dir, 'sub dir', 'made'), 'utf8'), '');
  },

  async 'what reads modules skips the launcher'(room) {
    room.write('main.c', 'int main(void) { return 5; }');
    await room.aiocc('--launcher', 'main.c', '-o', 'five');
    assert.equal(readFileSync(join(room.dir, 'five'), 'latin1').slice(0, 10), '#!/bin/sh\n');
    assert.equal((await room.run('five')).code, 5);
    room.write('embed.mjs', `import { readFileSync } from 'node:fs';
import { WasiHost } from ${JSON.stringify(join(top, 'dist', 'wasi.js'))};
const host = await WasiHost.create({ module: readFileSync('five') });
console.log(await host.run());
await host.close?.();
process.exit(0);`);
    assert.deepEqual(await execute(process.execPath, ['embed.mjs'], room.dir), { code: 0, out: '5\n', err: '' });
  },

  async 'AIOCC_LAUNCHER=1 gives every program a launcher, but no object, and no module that is called .wasm'(room) {
    room.write('main.c', 'int main(void) { return 5; }');
    const script = `export AIOCC_LAUNCHER=1
${aiocc} -c main.c && ${aiocc} main.o && ${aiocc} main.c -o main.wasm && ./a.out; echo $?
head -c 4 main.o | od -An -c; head -c 4 main.wasm | od -An -c`;
    const magic = '  \\0   a   s   m\n';
    assert.deepEqual(await execute('sh', ['-c', script], room.dir), { code: 0, out: `5\n${magic}${magic}`, err: '' });
    const { code, err } = await room.aiocc('--launcher', '--aio-reactor', 'main.c');
    assert.deepEqual([code, err], [1, 'aiocc: --launcher: a module for TypeScript has no main() that could be run\n']);
  },

  // What every configure script of GNU's asks first.
  async 'configure takes the build for native'(room) {
    room.write('main.c', `#include <stdio.h>
int main(void) { FILE *f = fopen("conftest.out", "w"); if (!f) return 1; return ferror(f) || fclose(f) != 0; }`);
    const { code, out } = await execute('sh', ['-c', `AIOCC_LAUNCHER=1 ${aiocc} -o conftest main.c && ls && ./conftest && ls conftest.out`], room.dir);
    assert.deepEqual([code, out], [0, 'conftest\nmain.c\nconftest.out\n']);
  },

  async 'standard output to a file is buffered, and its errors are told when it is closed'(room) {
    room.write('main.c', `#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    for (int i = 0; i < 3; i++) printf("line %d\\n", i);
    fflush(stderr);
    if (argc > 1) _exit(0);
    return fclose(stdout) == 0 ? 0 : 7;
}`);
    assert.deepEqual(await room.aiocc('--launcher', 'main.c', '-o', 'lines'), { code: 0, out: '', err: '' });
    const { out } = await execute('sh', ['-c', './lines x > file; wc -c < file; ./lines > file; cat file; ./lines > /dev/full; echo $?; ./lines x | cat'], room.dir);
    const lines = 'line 0\nline 1\nline 2\n';
    // A pipe gets each line at once.
    assert.equal(out, `0\n${lines}7\n${lines}`);
  },
};
