// Tests of C++, and of what build systems are given: `wasm-aio env`, CMake's toolchain file, config.site.
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Skipped, execute, top } from './room.mjs';

const CPLUSPLUS = `#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
struct Global { std::string text{"global"}; ~Global() { std::cout << "end of " << text << "\\n"; } } global;
struct Base { virtual ~Base() = default; virtual int f() const = 0; };
struct Derived : Base { int f() const override { return 42; } };
thread_local std::string own = "own";
int main(int argc, char **)
{
    std::map<std::string, int> m{{"b", 2}, {"a", 1}};
    for (auto &[k, v] : m) std::cout << k << v << ' ';
    std::unique_ptr<Base> p = std::make_unique<Derived>();
    std::cout << dynamic_cast<Derived *>(p.get())->f() << std::endl;
    std::atomic<int> n{0};
    std::mutex lock;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&, i] { own += std::to_string(i); for (int j = 0; j < 1000; j++) { std::lock_guard g(lock); n = n + 1; } });
    }
    for (auto &t : threads) t.join();
    std::cout << n << own << "\\n";
    return argc;
}
`;

const run = (room, script) => execute('sh', ['-c', script], room.dir);
const wasmAio = (...args) => execute(process.execPath, [join(top, 'dist', 'cli', 'main.js'), ...args], top);
const plusplus = join(top, 'wasm', 'aiocc++');

export const buildSystems = {
  async 'aiocc++ builds C++17 with libc++ and threads'(room) {
    room.write('main.cpp', CPLUSPLUS);
    assert.deepEqual(await execute(plusplus, ['-std=c++17', '-O1', '-Wall', 'main.cpp', '-o', 'main.wasm'], room.dir), { code: 0, out: '', err: '' });
    assert.deepEqual(await room.run('main.wasm'), { code: 1, out: 'a1 b2 42\n4000own\nend of global\n', err: '' });
    assert.equal((await room.aiocc('-std=c++17', '-c', 'main.cpp')).code, 0);
    const { code, err } = await room.aiocc('main.o');
    assert.equal(code, 1);
    assert.match(err, /^aiocc: main\.o is C\+\+ \(it refers to .*\): link with aiocc\+\+, or with -lstdc\+\+\n$/);
    assert.deepEqual(await room.aiocc('main.o', '-lstdc++'), { code: 0, out: '', err: '' });
  },

  async 'exceptions of C++ are refused by name'(room) {
    room.write('main.cpp', 'int main() { throw 1; }');
    assert.match((await execute(plusplus, ['main.cpp'], room.dir)).err, /cannot use 'throw' with exceptions disabled/);
    const { code, err } = await execute(plusplus, ['-fexceptions', 'main.cpp'], room.dir);
    assert.deepEqual([code, err], [1, 'aiocc: -fexceptions: aiocc compiles C++ without exceptions. Leave the option out; `throw` and `try` are errors\n']);
    room.write('main.c', 'int main(void) { return 0; }');
    assert.deepEqual(await room.aiocc('-fexceptions', 'main.c'), { code: 0, out: '', err: '' });
  },

  async 'wasm-aio env prints variables that a shell evaluates'(room) {
    const { code, out } = await wasmAio('env', '--launcher');
    assert.equal(code, 0);
    room.write('env', out);
    room.write('main.c', 'int part(void);\nint main(void) { return part(); }');
    room.write('part.c', 'int part(void) { return 6; }');
    const built = await run(room, `. ./env && $CC -c part.c main.c && $AR cr libpart.a part.o && $RANLIB libpart.a && $CC main.o libpart.a -o six && ./six; echo $? $AIO_HOST
test "$($CC -dumpmachine)" = "$AIO_HOST" && test -x "$CXX" && test -f "$CONFIG_SITE" && test -f "$CMAKE_TOOLCHAIN_FILE"`);
    assert.deepEqual(built, { code: 0, out: '6 wasm32-unknown-emscripten\n', err: '' });
    assert.doesNotMatch((await wasmAio('env')).out, /LAUNCHER/);
    assert.equal((await wasmAio('env', 'x')).code, 2);
  },

  // It is read by each configure script, also by one that builds for this machine.
  async 'config.site answers for the host wasm32 only, and does not overrule the user'(room) {
    const site = join(top, 'wasm', 'config.site');
    const ask = (host, before) => run(room, `set -eu; host_alias=${host}; ${before} . '${site}'; echo "\${ac_cv_func_fork-none} \${ac_cv_func_malloc_0_nonnull-none}"`);
    assert.equal((await ask('wasm32-unknown-emscripten', '')).out, 'no yes\n');
    assert.equal((await ask('wasm32-unknown-emscripten', 'ac_cv_func_fork=mine;')).out, 'mine yes\n');
    assert.equal((await ask('x86_64-linux-gnu', '')).out, 'none none\n');
  },

  // What a configure script of GNU's does when it is given --host: it tries whether what it builds runs here, finds out the
  // suffix of objects, and takes the values of config.site for what it cannot try.
  async 'configure takes the build for one for another machine'(room) {
    const { out } = await wasmAio('env');
    room.write('env', out);
    room.write('conftest.c', '#include <stdlib.h>\n#ifdef NONNULL\nint main(void) { return malloc(0) ? 3 : 4; }\n#else\nint main(void) { return 5; }\n#endif\n');
    room.write('configure', `host_alias=$1
. "$CONFIG_SITE"
$CC conftest.c || exit 10
test -f a.out && ! ./a.out 2>/dev/null && cross_compiling=yes
$CC -c conftest.c || exit 12
for file in conftest.*; do case $file in *.c) ;; *) objext=\${file##*.} ;; esac; done
test "$ac_cv_func_malloc_0_nonnull" = yes && nonnull=-DNONNULL
echo "cross $cross_compiling, object $objext, fork $ac_cv_func_fork, $nonnull"
`);
    const built = await run(room, '. ./env && sh ./configure "$AIO_HOST"');
    assert.deepEqual(built, { code: 0, out: 'cross yes, object o, fork no, -DNONNULL\n', err: '' });
    assert.deepEqual(await room.aiocc('-DNONNULL', '-o', 'made', 'conftest.c'), { code: 0, out: '', err: '' });
    assert.equal((await room.run('made')).code, 3);
  },

  async 'CMake builds and tests a project in C and C++ by the toolchain file'(room) {
    if ((await execute('cmake', ['--version'])).code !== 0) throw new Skipped('cmake is not installed');
    room.write('CMakeLists.txt', `cmake_minimum_required(VERSION 3.10)
project(demo C CXX)
include(CheckFunctionExists)
include(CheckCSourceRuns)
find_package(Threads REQUIRED)
check_function_exists(poll HAVE_POLL)
check_function_exists(nowhere HAVE_NOWHERE)
check_c_source_runs("int main(void) { return 0; }" RUNS)
add_library(part STATIC part.c)
add_executable(demo main.cpp)
target_link_libraries(demo part Threads::Threads m)
message(STATUS "poll=\${HAVE_POLL} nowhere=\${HAVE_NOWHERE} runs=\${RUNS} unix=\${UNIX}")
enable_testing()
add_test(NAME demo COMMAND demo word)
set_tests_properties(demo PROPERTIES PASS_REGULAR_EXPRESSION "word")
`);
    room.write('part.c', 'int part(void) { return 0; }\n');
    room.write('main.cpp', '#include <iostream>\nextern "C" int part(void);\nint main(int c, char **v) { std::cout << v[c - 1] << "\\n"; return part(); }\n');
    const configured = await execute('cmake', ['-B', 'build', '-G', 'Unix Makefiles', `-DCMAKE_TOOLCHAIN_FILE=${join(top, 'wasm', 'cmake', 'wasm-aio.cmake')}`, '.'], room.dir);
    assert.equal(configured.code, 0, configured.out + configured.err);
    assert.match(configured.out, /-- poll=1 nowhere= runs=1 unix=1/);
    const built = await execute('cmake', ['--build', 'build'], room.dir);
    assert.equal(built.code, 0, built.out + built.err);
    assert.ok(existsSync(join(room.dir, 'build', 'libpart.a')) && statSync(join(room.dir, 'build', 'demo')).size > 0);
    const tested = await execute('ctest', ['--test-dir', 'build'], room.dir);
    assert.equal(tested.code, 0, tested.out);
  },
};
