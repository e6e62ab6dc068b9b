// SPDX-License-Identifier: MIT
/** What C programs have of libc here: files, threads, poll; and what they do not have. */
import { afterAll, expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram, runScript, scratch, spawned, wasmAio } from './helpers/child.js';
import { cli, fixture, pathOf } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);

test('files: streams, descriptors, names, directories', async () => {
  const root = scratch();
  const ended = await wasmAio('run', `--dir=${root.path}::/`, '--env=WHO=me', fileURLToPath(fixture('libc-files')));
  expect(ended).toMatchObject({ code: 0, stdout: 'all right\n', stderr: '' });
  expect(readdirSync(root.path)).toEqual([]);
  root.remove();
});

test("threads: pthreads, semaphores, C11's; poll and select on pipes; main may end first", async () => {
  expect(await runProgram('libc-threads')).toMatchObject({ code: 0, stdout: 'the last one\n', stderr: '' });
});

test("the event loop has WASI's descriptors: pipes, sockets, standard input; few are scanned, many found ready", async () => {
  const program = fileURLToPath(fixture('aio-fds'));
  const ended = await spawned('sh', ['-c', `(printf 'a li'; echo ne) | ${process.execPath} ${cli} run ${program}`]);
  expect(ended).toMatchObject({ code: 0, stdout: 'a line\n', stderr: '' });
});

test('the event loop has event counters, timers, epoll sets and duplicates; poll and epoll have event notifiers', async () => {
  expect(await runProgram('aio-event-fds')).toMatchObject({ code: 0, stdout: 'all kinds\n', stderr: '' });
});

test("the block engines work on the program's own descriptors, and on no others", async () => {
  const root = scratch();
  writeFileSync(join(root.path, 'data'), Uint8Array.from({ length: 8192 }, (_, i) => i & 0xff));
  const ended = await wasmAio('run', `--dir=${root.path}::/`, fileURLToPath(fixture('engine-fds')), '/data');
  expect(ended).toMatchObject({ code: 0, stdout: 'all engines\n', stderr: '' });
  root.remove();
});

test('a thread that waits for input keeps nobody from another stream, nor from the end', async () => {
  const program = join(dir.path, 'reader');
  writeFileSync(`${program}.c`, `#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static int ready;
static void *reader(void *opaque) {
  char line[100];
  flockfile(stdin);
  __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
  return fgets(line, sizeof line, stdin) ? opaque : NULL;
}
static void *letters(void *opaque) { for (int i = 0; i < 20000; i++) putchar(*(char *)opaque); return NULL; }
int main(void) {
  pthread_t thread, writers[3];
  struct tm tm;
  time_t now = time(NULL);
  pthread_create(&thread, NULL, reader, NULL);
  while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST)) usleep(1000);
  if (ftrylockfile(stdin) == 0 || !localtime_r(&now, &tm)) return 1;
  fflush(NULL);
  FILE *file = fopen("/", "r");
  if (file) fclose(file);
  for (int i = 0; i < 3; i++) pthread_create(&writers[i], NULL, letters, "abc" + i);
  for (int i = 0; i < 3; i++) pthread_join(writers[i], NULL);
  return 0;
}`);
  expect(await spawned(pathOf('wasm/aiocc'), ['-O1', '-o', program, `${program}.c`])).toMatchObject({ code: 0 });
  const ended = await spawned(process.execPath, [cli, 'run', program], { stdin: 'silent' });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect([...'abc'].map((letter) => ended.stdout.split(letter).length - 1)).toEqual([20000, 20000, 20000]);
});

test('both outputs on one pipe keep their order', async () => {
  writeFileSync(join(dir.path, 'order.c'), `#include <stdio.h>
int main(void) { setvbuf(stdout, NULL, _IONBF, 0); for (int i = 0; i < 200; i++) fprintf(i % 3 ? stdout : stderr, "%d\\n", i); }`);
  expect(await spawned(pathOf('wasm/aiocc'), ['-O1', '-o', join(dir.path, 'order.wasm'), join(dir.path, 'order.c')])).toMatchObject({ code: 0 });
  const ended = await spawned('sh', ['-c', `${process.execPath} ${cli} run ${join(dir.path, 'order.wasm')} 2>&1 | cat`]);
  expect(ended.stdout).toBe(Array.from({ length: 200 }, (_, i) => `${i}\n`).join(''));
});

test.each([['semget(0, 0, 0)', 'sys/sem'], ['shmget(0, 0, 0)', 'sys/shm']])(
  '%s does not link, and the message names it', async (call, header) => {
    const source = join(dir.path, 'missing.c');
    writeFileSync(source, `#include <${header}.h>
int main(void) { return (int)${call}; }`);
    const { code, stderr } = await spawned(pathOf('wasm/aiocc'), ['-w', '-o', join(dir.path, 'missing.wasm'), source]);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`undefined symbol: ${call.split('(')[0]}, called by main`));
  },
);

test('/dev/null and pipes are no terminals', async () => {
  writeFileSync(join(dir.path, 'tty.c'), `#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d %d %d\\n", isatty(0), isatty(1), isatty(2)); }`);
  expect(await spawned(pathOf('wasm/aiocc'), ['-O1', '-o', join(dir.path, 'tty.wasm'), join(dir.path, 'tty.c')])).toMatchObject({ code: 0 });
  expect(await wasmAio('run', join(dir.path, 'tty.wasm'))).toMatchObject({ code: 0, stdout: '0 0 0\n' });
});

test('what links and cannot be done is ENOSYS', async () => {
  const source = join(dir.path, 'nosys.c');
  writeFileSync(source, `#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  errno = 0; printf("%d ", fork() == -1 && errno == ENOSYS);
  errno = 0; printf("%d ", system("true") == -1 && errno == ENOSYS && system(NULL) == 0);
  errno = 0; printf("%d ", popen("true", "r") == NULL && errno == ENOSYS && popen("true", "x") == NULL && errno == EINVAL);
  errno = 0; printf("%d\\n", execl("/x", "x", NULL) == -1 && errno == ENOSYS);
}`);
  expect(await spawned(pathOf('wasm/aiocc'), ['-O1', '-o', join(dir.path, 'nosys.wasm'), source])).toMatchObject({ code: 0, stderr: '' });
  expect(await wasmAio('run', join(dir.path, 'nosys.wasm'))).toMatchObject({ code: 0, stdout: '1 1 1 1\n' });
});

test('variables and directories come as they were given: in their order, whatever their names, and none that is unset', async () => {
  const source = join(dir.path, 'given.c');
  writeFileSync(source, `#include <stdio.h>
#include <wasi/api.h>
extern char **environ;
int main(void) {
  for (char **variable = environ; *variable; variable++) printf("%s ", *variable);
  for (int fd = 3;; fd++) {
    __wasi_prestat_t stat;
    char name[100] = "";
    if (__wasi_fd_prestat_get(fd, &stat) || __wasi_fd_prestat_dir_name(fd, (uint8_t *)name, stat.u.dir.pr_name_len)) break;
    printf("%d=%s ", fd, name);
  }
}`);
  const program = join(dir.path, 'given.wasm');
  expect(await spawned(pathOf('wasm/aiocc'), ['-O1', '-o', program, source])).toMatchObject({ code: 0, stderr: '' });
  const dirs = ['b', '1', '__proto__'].flatMap((name) => ['--dir', `${dir.path}::${name}`]);
  expect(await wasmAio('run', '--env', 'NEVER_SET_HERE', '--env', '__proto__=7', '--env', 'A=1', ...dirs, program))
    .toMatchObject({ code: 0, stdout: '__proto__=7 A=1 3=b 4=1 5=__proto__ ' });
  expect(await wasmAio('run', '--dir', `${dir.path}::b`, '--dir', `/::b`, program)).toMatchObject({ code: 2 });
});

test('pipes, sockets of AF_UNIX, eventfd, timerfd and epoll need no turn of the owner', async () => {
  const source = join(dir.path, 'alone.c');
  writeFileSync(source, `#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>
static int ask[2], answer[2], event, timer, set, here, there;
static void *answers(void *opaque) {
  char byte;
  struct sockaddr_un name = { AF_UNIX, "/named" };
  while (read(ask[0], &byte, 1) == 1) {
    if (byte == 'p') write(answer[1], &byte, 1);
    if (byte == 'e') eventfd_write(event, 1);
    if (byte == 's') send(there, &byte, 1, 0);
    if (byte == 't') timerfd_settime(timer, 0, &(struct itimerspec){ .it_value.tv_nsec = 1 }, NULL);
    if (byte == 'n') { int fd = socket(AF_UNIX, SOCK_STREAM, 0); connect(fd, (void *)&name, sizeof name); write(fd, &byte, 1); close(fd); }
  }
  return opaque;
}
int main(void) {
  pthread_t thread;
  int pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0), fds[5];
  struct sockaddr_un name = { AF_UNIX, "/named" };
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  here = pair[0], there = pair[1];
  if (pipe(ask) || pipe2(answer, O_CLOEXEC) || bind(listener, (void *)&name, sizeof name) || listen(listener, 5)) return 1;
  fds[0] = answer[0], fds[1] = event = eventfd(0, 0), fds[2] = here, fds[3] = timer = timerfd_create(CLOCK_MONOTONIC, 0), fds[4] = listener;
  set = epoll_create1(0);
  for (int i = 0; i < 5; i++) epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){ EPOLLIN, { .fd = i } });
  pthread_create(&thread, NULL, answers, NULL);
  if (write(ask[1], "p", 1) != 1 || read(answer[0], pair, 1) != 1) return 2;
  close(open("/ready", O_CREAT, 0666));
  while (access("/go", F_OK)) usleep(1000);
  for (int i = 0; i < 500; i++) {
    struct epoll_event got;
    char bytes[8];
    write(ask[1], &"pestn"[i % 5], 1);
    if (epoll_wait(set, &got, 1, -1) != 1 || got.data.fd != i % 5) return 3;
    if (got.data.fd == 4) { int fd = accept(listener, NULL, NULL); if (read(fd, bytes, 8) != 1 || close(fd)) return 4; }
    else if (read(fds[got.data.fd], bytes, 8) < 1) return 5;
  }
  close(open("/done", O_CREAT, 0666));
  return 0;
}`);
  const program = join(dir.path, 'alone.wasm');
  expect(await spawned(pathOf('wasm/aiocc'), ['-O1', '-w', '-o', program, source])).toMatchObject({ code: 0, stderr: '' });
  const root = scratch();
  const ended = await runScript(dir.path, `
    import { existsSync, writeFileSync } from 'node:fs';
    import { WasiHost } from 'wasm-aio/wasi';
    const host = await WasiHost.create({ module: new URL('file://${program}'), dirs: { '/': '${root.path}' } });
    const code = host.run();
    while (!existsSync('${root.path}/ready')) await new Promise(setImmediate);
    writeFileSync('${root.path}/go', '');
    // From here on this thread does nothing else.
    for (const limit = Date.now() + 60_000; !existsSync('${root.path}/done') && Date.now() < limit;);
    console.log(existsSync('${root.path}/done'), await code);
    await host.close();
  `);
  expect(ended).toMatchObject({ code: 0, stdout: 'true 0\n', stderr: '' });
  root.remove();
});
