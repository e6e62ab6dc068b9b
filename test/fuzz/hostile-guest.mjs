// SPDX-License-Identifier: MIT
// WASI programs that are nothing but calls with arguments from a list. The arguments are in the code and not in memory, so that a call
// whose result goes to a wild address does not change what the program does next.

/** The calls of WASI preview1, by what their parameters are. See ARGUMENTS. */
export const CALLS = {
  args_get: 'pp', args_sizes_get: 'pp', environ_get: 'pp', environ_sizes_get: 'pp', clock_res_get: 'gp', clock_time_get: 'gLp',
  fd_advise: 'fLLg', fd_allocate: 'fSS', fd_close: 'f', fd_datasync: 'f', fd_fdstat_get: 'fp', fd_fdstat_set_flags: 'fg', fd_fdstat_set_rights: 'fLL',
  fd_filestat_get: 'fp', fd_filestat_set_size: 'fS', fd_filestat_set_times: 'fLLg', fd_pread: 'fvLp', fd_prestat_get: 'fp', fd_prestat_dir_name: 'fpl',
  fd_pwrite: 'fvSp', fd_read: 'fvp', fd_readdir: 'fplLp', fd_renumber: 'ff', fd_seek: 'fLgp', fd_sync: 'f', fd_tell: 'fp', fd_write: 'fvp',
  path_create_directory: 'fP', path_filestat_get: 'fgPp', path_filestat_set_times: 'fgPLLg', path_link: 'fgPfP', path_open: 'fgPgLLgp', path_readlink: 'fPplp',
  path_remove_directory: 'fP', path_rename: 'fPfP', path_symlink: 'PfP', path_unlink_file: 'fP', poll_oneoff: 'sgp', random_get: 'pl', sched_yield: '',
  sock_accept: 'fgp', sock_recv: 'fvgpp', sock_send: 'fvgp', sock_shutdown: 'fg',
};

const encoder = new TextEncoder();
const PATHS = ['a', 'b', 'dir', 'dir/a', 'dir/../a', '.', '..', '../outside', '../outside/file', '/', '/etc/passwd', 'link', 'link/file', 'dir/link', '', 'a\0b', 'a/', './a', 'x'.repeat(300), 'y/'.repeat(2500), '\xff']
  .map((text) => (text === '\xff' ? Uint8Array.of(0xff) : encoder.encode(text)));
const MEMORY = 65536;
/** Where the paths begin, the vectors of buffers, the subscriptions, and what may be written to. */
const [PATHS_AT, VECTORS_AT, SUBSCRIPTIONS_AT, FREE_AT] = [1024, 20000, 24000, 32768];

const image = new Uint8Array(FREE_AT);
const view = new DataView(image.buffer);
const paths = [];
for (let n = 0, at = PATHS_AT; n < PATHS.length; at += PATHS[n++].length) {
  image.set(PATHS[n], at);
  paths.push([at, PATHS[n].length]);
}
const VECTORS = [[FREE_AT, 64], [FREE_AT + 64, 4000], [FREE_AT, 0], [MEMORY - 4, 4], [MEMORY - 4, 8], [0xfffffff0, 100], [FREE_AT, 0xffffffff], [MEMORY, 0], [PATHS_AT, 20]];
VECTORS.forEach(([pointer, length], n) => {
  view.setUint32(VECTORS_AT + 8 * n, pointer, true);
  view.setUint32(VECTORS_AT + 8 * n + 4, length, true);
});
// Clocks (tag 0) that end soon, and fds; one has a tag that there is not.
for (let n = 0; n < 6; n++) {
  const at = SUBSCRIPTIONS_AT + 48 * n;
  view.setBigUint64(at, BigInt(n), true);
  view.setUint8(at + 8, [0, 1, 2, 0, 1, 9][n]);
  view.setUint32(at + 16, [1, 0, 1, 0, 77, 0][n], true);
  if (n % 3 === 0) view.setBigUint64(at + 24, 1000n, true);
}

/** For each kind of parameter the type of its values, and the values. A kind of two parameters has pairs. */
export const ARGUMENTS = {
  f: { types: ['i32'], values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 100, -1, 0x7fffffff].map((value) => [value]) },
  p: { types: ['i32'], values: [FREE_AT, FREE_AT + 1000, FREE_AT + 1, MEMORY - 8, MEMORY - 4, MEMORY - 1, MEMORY, -1, -16, 0x7fffffff, -0x80000000, 0].map((value) => [value]) },
  l: { types: ['i32'], values: [0, 1, 24, 64, 1000, MEMORY, -1, 0x7fffffff].map((value) => [value]) },
  g: { types: ['i32'], values: [0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 64, 255, 0xffff, -1].map((value) => [value]) },
  L: { types: ['i64'], values: [0n, 1n, 64n, 1000n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, -1n, -(2n ** 63n), 0x1fffffffn].map((value) => [value]) },
  /** Sizes of files: small, or more than there can be. */
  S: { types: ['i64'], values: [0n, 1n, 100n, 5000n, 2n ** 62n, 2n ** 63n - 1n, -1n].map((value) => [value]) },
  P: { types: ['i32', 'i32'], values: [...paths, [MEMORY - 1, 10], [-1, 1], [PATHS_AT, -1], [PATHS_AT, 0x7fffffff], [MEMORY, 0]] },
  v: { types: ['i32', 'i32'], values: [...VECTORS.map((_, n) => [VECTORS_AT + 8 * n, 1]), [VECTORS_AT, 3], [VECTORS_AT, 0], [VECTORS_AT, 9], [VECTORS_AT, -1], [VECTORS_AT, 0x10000000], [-8, 2], [MEMORY - 4, 1]] },
  s: { types: ['i32', 'i32'], values: [0, 1, 2, 3, 4, 5].map((n) => [SUBSCRIPTIONS_AT + 48 * n, FREE_AT]).concat([[-48, FREE_AT], [SUBSCRIPTIONS_AT, -32], [MEMORY - 47, FREE_AT], [SUBSCRIPTIONS_AT, SUBSCRIPTIONS_AT]]) },
};

// ---- The binary format

const leb = (value) => {
  const bytes = [];
  for (let rest = BigInt(value); ;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && !(byte & 0x40)) || (rest === -1n && byte & 0x40);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
};
const uleb = (value) => {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
};
const name = (text) => [...uleb(text.length), ...encoder.encode(text)];
const section = (id, content) => [id, ...uleb(content.length), ...content];
const list = (items) => [...uleb(items.length), ...items.flat()];
const TYPE = { i32: 0x7f, i64: 0x7e };
const typesOf = (call) => [...CALLS[call]].flatMap((kind) => ARGUMENTS[kind].types);

/**
 * A module whose _start makes the calls in turn. Each is [name, arguments...]. A result that is no errno (0 to 76) traps.
 */
export function assemble(calls) {
  const names = [...new Set(calls.map(([call]) => call))];
  const types = [[0x60, 0, 0], ...names.map((call) => [0x60, ...list(typesOf(call).map((type) => [TYPE[type]])), 1, 0x7f])];
  const body = calls.flatMap(([call, ...args]) => [
    ...args.flatMap((arg) => [typeof arg === 'bigint' ? 0x42 : 0x41, ...leb(typeof arg === 'bigint' ? BigInt.asIntN(64, arg) : arg | 0)]),
    0x10, ...uleb(names.indexOf(call)),
    0x41, ...leb(76), 0x4b, 0x04, 0x40, 0x00, 0x0b,      // i32.gt_u, if, unreachable, end
  ]);
  const code = [0, ...body, 0x0b];
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list(types)),
    ...section(2, list(names.map((call, n) => [...name('wasi_snapshot_preview1'), ...name(call), 0, ...uleb(n + 1)]))),
    ...section(3, list([[0]])),
    ...section(5, list([[0, 1]])),
    ...section(7, list([[...name('memory'), 2, 0], [...name('_start'), 0, ...uleb(names.length)]])),
    ...section(10, list([[...uleb(code.length), ...code]])),
    ...section(11, list([[0, 0x41, ...leb(PATHS_AT), 0x0b, ...uleb(image.length - PATHS_AT), ...image.subarray(PATHS_AT)]])),
  ]);
}
