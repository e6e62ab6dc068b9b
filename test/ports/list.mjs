// The ports: where their sources come from, how their own build systems build and test them, and what they do with real input.
//
//   suites      of Debian, the first that has it; absent for a program of this folder
//   build       the commands of a native build; CC, AR, RANLIB and AIOCC_LAUNCHER are in the environment
//   from        the package, if it is not the port's name
//   minutes     the most that a command takes; 20 if absent
//   env         variables of the build for WebAssembly alone
//   check       the port's own tests; absent if it has none that run by a command. $NATIVE is the folder of the native build.
//   count       finds in the output of `check` how many tests passed, which failed, and which were skipped: [[name, reason]]
//   known       which of its tests fail, and why: [[pattern of their names, reason]]
//   use         commands that read `input` (1 MiB of C sources) and write; the native build's bytes are compared. $P is the folder,
//               $RUN what runs a program that has no launcher.

const configure = './configure -q';
const automake = (text) => ({ passed: Number(/^# PASS: +(\d+)/m.exec(text)?.[1] ?? 0), failed: [...text.matchAll(/^FAIL: (\S+)/gm)].map(([, name]) => name) });

export const PORTS = {
  zlib: {
    suites: 'bookworm',
    build: [`${configure.replace(' -q', '')} --static`, 'make'],
    check: 'make check',
    count: (text) => ({ passed: (text.match(/test OK/g) ?? []).length, failed: [...text.matchAll(/\*\*\* (.*) FAILED/g)].map(([, name]) => name) }),
    use: ['$P/minigzip < input', '$P/minigzip < input > packed && $P/minigzip -d < packed'],
  },
  bzip2: {
    suites: 'bookworm',
    build: ['make CC="$CC" AR="$AR" RANLIB="$RANLIB" libbz2.a bzip2'],
    check: 'make CC="$CC" AR="$AR" RANLIB="$RANLIB" test',
    count: (text) => ({ passed: Number(/6 tests|cmp sample3\.tst sample3\.ref/.test(text)) * 6, failed: [...text.matchAll(/differ: (.*)/g)].map(([, line]) => line) }),
    use: ['$P/bzip2 < input', '$P/bzip2 -1 < input > packed && $P/bzip2 -d < packed'],
  },
  lz4: {
    suites: 'bookworm',
    build: ['make -C programs CC="$CC" AR="$AR" lz4'],
    use: ['$P/programs/lz4 -9 < input', '$P/programs/lz4 < input > packed && $P/programs/lz4 -d < packed'],
  },
  libzstd: {
    suites: 'bookworm',
    build: ['make -C programs CC="$CC" AR="$AR" zstd'],
    use: ['$P/programs/zstd -3 < input', '$P/programs/zstd -19 -T1 < input', '$P/programs/zstd < input > packed && $P/programs/zstd -d < packed'],
  },
  gzip: {
    suites: 'bookworm',
    build: [configure, 'make -s'],
    check: 'make -k check',
    count: automake,
    use: ['$P/gzip -n < input', '$P/gzip -n9 < input', '$P/gzip < input > packed && $P/gzip -d < packed'],
  },
  // As for another machine: nothing that was built can run while it is built.
  'gzip-cross': {
    from: 'gzip',
    suites: 'bookworm',
    minutes: 90,
    env: { AIOCC_LAUNCHER: '', HOST: '--host=wasm32-unknown-emscripten' },
    build: [`${configure} $HOST`, 'make -s'],
    use: ['$RUN $P/gzip -n < input', '$RUN $P/gzip < input > packed && $RUN $P/gzip -d < packed'],
  },
  'lua5.4': {
    suites: 'bookworm',
    build: ['make -C src CC="$CC" AR="$AR rcu" RANLIB="$RANLIB" generic'],
    use: [`$P/src/lua -e 'local n, words = 0, {} for line in io.lines() do for w in line:gmatch("%a+") do words[w] = (words[w] or 0) + 1 end end
local all = {} for w, c in pairs(words) do all[#all + 1] = string.format("%06d %s", c, w) end table.sort(all) for _, l in ipairs(all) do print(l) end
print(select(2, pcall(error, "caught")), coroutine.wrap(function() pcall(coroutine.yield, 5) end)())' < input`],
  },
  mawk: {
    suites: 'bookworm',
    build: [configure.replace(' -q', ''), 'make'],
    check: 'make check',
    count: (text) => ({ passed: (text.match(/^(?!tested).* OK$/gm) ?? []).length, failed: [...text.matchAll(/^.*(?:FAIL|failed|differ).*$/gm)].map(([line]) => line) }),
    use: [`$P/mawk '{ for (i = 1; i <= NF; i++) n[length($i)]++; s += NR * length($0) } END { for (k = 0; k < 100; k++) printf "%d %d\\n", k, n[k]; print s, sqrt(s) }' < input`],
  },
  bc: {
    suites: 'bookworm',
    // Its manual needs makeinfo.
    build: [configure, 'make -s MAKEINFO=true'],
    use: [`echo 'scale=200; 4*a(1); e(1); for (i = 1; i < 200; i++) { x = x + i ^ 20 / 7 }; x' | $P/bc/bc -l`],
  },
  mujs: {
    suites: 'bookworm',
    build: ['make CC="$CC" AR="$AR" HAVE_READLINE=no build/release/mujs'],
    use: [`printf '%s\\n' 'var t = read("input"), n = {}; t.split(/[^A-Za-z_]+/).forEach(function (w) { n["_" + w] = (n["_" + w] || 0) + 1 });' 'Object.keys(n).sort().forEach(function (w) { print(w, n[w]) }); try { null.x } catch (e) { print(e) }' > t.js && $P/build/release/mujs t.js`],
  },
  sqlite3: {
    suites: 'bookworm',
    build: ['./configure -q --disable-tcl --disable-shared --disable-readline', 'make sqlite3'],
    use: [`rm -f t.db && { echo 'create table t(n integer primary key, line text);'; awk '{ gsub(/\\047/, "_"); printf "insert into t(line) values(\\047%s\\047);\\n", $0 }' input | sed '1i begin;' ; echo 'commit; create index i on t(line); select count(*), sum(length(line)) from t; select line, count(*) c from t group by line order by c desc, line limit 20;'; } > t.sql && $P/sqlite3 t.db < t.sql && $P/sqlite3 t.db 'pragma integrity_check; select max(n) from t;'`,
    // Two shells at once, each of which adds to what it has read.
    `rm -f d.db && printf 'create table c(n); insert into c values(0);' | $P/sqlite3 'file:d.db?vfs=unix-dotfile' && awk 'BEGIN { print ".timeout 60000"; for (i = 0; i < 40; i++) print "begin immediate; update c set n = n + 1; commit;" }' > d.sql && { $P/sqlite3 'file:d.db?vfs=unix-dotfile' < d.sql & one=$!; $P/sqlite3 'file:d.db?vfs=unix-dotfile' < d.sql & wait $one && wait $!; } && $P/sqlite3 'file:d.db?vfs=unix-dotfile' 'pragma integrity_check; select n from c;'`],
  },
  // A program of this folder.
  'poll-server': {
    build: ['$CC -O2 -Wall -Werror "$TOP/test/ports/poll-server.c" -o server'],
    use: ['node "$TOP/test/ports/poll-client.mjs" $P/server < input'],
  },
  libuv1: {
    suites: 'testing,trixie,bookworm',
    // libuv does not know this system. On these two it waits by poll(), and has no events of files.
    env: { SYSTEM: '-DCYGWIN=1', CFLAGS: '-O2 -D__CYGWIN__ -D__GNU__ -Wno-return-mismatch' },
    build: ['cmake -S . -B build -DLIBUV_BUILD_BENCH=OFF $SYSTEM', 'make -C build uv_run_tests_a'],
    check: '"$TOP/test/ports/libuv.sh" "$NATIVE/build/uv_run_tests_a"',
    minutes: 60,
    count: (text) => {
      const results = [...text.matchAll(/^(not ok|ok) \d+ - (\S+)(?: # SKIP (.*))?$/gm)];
      return {
        passed: results.filter(([, ok, , reason]) => ok === 'ok' && reason === undefined).length,
        failed: results.filter(([, ok]) => ok === 'not ok').map(([, , name]) => name),
        skipped: results.filter(([, , , reason]) => reason !== undefined).map(([, , name, reason]) => [name, reason]),
      };
    },
    known: [
      [/^(closed_fd_events|fork_.*|ipc_.*|kill|process_ref|process_title_big_argv|spawn_.*|stdio_(over_pipes|emulate_iocp))$/, 'there are no other processes'],
      [/^fs_partial_(read|write)$/, 'one thread cannot send a signal to another one'],
      [/^(pipe_(ping_pong(_vec)?|ref[34])|shutdown_close_pipe)$/, 'AF_UNIX names hold within a program, and the server of these tests is another process'],
      [/^(udp_.*|getsockname_udp|watcher_cross_stop|handle_fileno|socket_buffer_size)$/, 'there are no datagram sockets'],
      [/^(get_passwd2?|get_group)$/, 'there are no users and groups'],
      [/^(fs_statfs|fs_get_system_error)$/, 'WASI does not tell about file systems'],
      [/^(tcp|poll)_oob$/, 'there is no urgent data'],
      [/^tcp_connect_timeout$/, 'it uses other addresses than those of the loopback, which need --allow-net'],
      [/^fs_utime(_round)?$/, 'libuv itself refuses it on this system'],
      [/^fs_futime$/, 'it expects a refusal on one of these systems, and it works'],
      [/^(poll_nested_epoll|process_title(_threadsafe)?|tcp_create_early_bad_bind)$/, 'it tests what libuv has on other systems alone'],
      [/^tcp_try_write_error$/, 'it expects that a closed connection is known at once: here the owner tells it, and the buffer is full before'],
      [/^tcp_write_in_a_row$/, 'it expects room behind a large write, and that is a whole number of the buffers of a socket here'],
      [/^embed$/, 'a loop that waits by poll() has no descriptor to be waited for'],
      [/^poll_multiple_handles$/, 'a socket that is not connected is hung up, which libuv calls readable on Linux alone'],
      [/^dlerror$/, 'there are no shared libraries'],
      [/^platform_output$/, 'the interfaces of the machine are not told'],
      [/^fs_copyfile$/, 'it fails natively, too, where root runs it'],
      [/^get_currentexe$/, 'a module is run by another program'],
    ],
    use: [],
  },
};
