# wasm-aio: `make help` lists what can be made; V=1 shows the commands.

ifneq ($(if $(filter Windows_NT,$(OS)),Windows,$(shell uname -s)),Linux)
$(error building wasm-aio needs Debian (a container or a virtual machine will do), but the npm package does not: npm install wasm-aio works here)
endif
ifneq ($(words $(CURDIR)),1)
$(error make cannot build in a path with spaces ($(CURDIR)): move the project to one without)
endif

.DEFAULT_GOAL := help
MAKEFLAGS += -r --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:

# Runs as many jobs as there are CPUs, unless the caller says otherwise.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

ifeq ($(origin CC),default)
CC := cc
endif
AR := ar
CFLAGS ?= -O2 -g
# Each function begins a cache line: otherwise the time of a short one depends on the code before it.
NATIVE_FLAGS := -std=gnu11 -Wall -Wextra -Werror -falign-functions=64 $(CFLAGS)
# Flags of the other builds of the C tests; the native build reports the warnings.
FLAGS_native := $(NATIVE_FLAGS)
SANITIZE_FLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer
FLAGS_asan := $(SANITIZE_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_tsan := $(SANITIZE_FLAGS) -fsanitize=thread
# The same for libFuzzer, which is clang's.
FLAGS_fuzzasan := $(FLAGS_asan) -fsanitize=fuzzer-no-link
# What gcov counts: several threads add to a counter. Nothing is inlined or reordered.
COVERAGE := -O0 --coverage -fprofile-update=atomic
WASM_FLAGS := -std=gnu11 -O2 -Wall -Wextra -Werror
# Flags for code that is part of the library, or uses its private headers and names.
INSIDE_ALL := -include core-c/private-names.h -Icore-c
INSIDE := $(INSIDE_ALL) -Icore-c/port/posix
INSIDE_WASM := $(INSIDE_ALL) -include wasm/private-names.h -Iwasm -Iwasm/port

# Flags of what runs in the simulator (core-c/port/sim), whose headers come first; and of the program beside its machine.
SIM_BOTH := -std=gnu11 -fno-common -Wall -Wextra -Werror -include core-c/private-names.h -Icore-c/port/sim -Icore-c -Icore-c/include
SIM_FLAGS := $(SIM_BOTH) -O1 -g -fno-pie -Icore-c/port/sim/native
# The files of wasm/runtime that run there name what only WebAssembly has.
SIM_PROGRAM := -fsanitize=thread -D_GNU_SOURCE -include core-c/port/sim/program.h -Iwasm -Iwasm/port -Iwasm/runtime -Itest/sim -DPortHolds=void -Wno-attributes
# The same in WebAssembly, for which clang has the pass of -fsanitize=thread but no such option.
SIM_WASM_FLAGS := -target wasm32-unknown-emscripten -Xclang -iwithsysroot/include/compat -mbulk-memory $(SIM_BOTH) -O2 -Icore-c/port/sim/wasm
SIM_WASM_PROGRAM := -Xclang $(SIM_PROGRAM)

# Flags of the programs that test/posix compares.
POSIX_FLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Wno-unused-result 

# $$ in a recipe is a $ of the shell. In a `define` that $(eval) turns into rules, it is a $ of
# the rule; variables with a single $ are expanded before.

Q := $(if $(V),,@)
step = $(if $(V),@:,@printf '  %-8s %s\n' '$(1)' '$(2)')
# $(call same,A,B): not empty if A and B are the same text, that is, if each contains the other.
# The x makes this work for two empty texts.
same = $(and $(findstring x$(1),x$(2)),$(findstring x$(2),x$(1)))

# ---- sources -----------------------------------------------------------------

core := $(wildcard core-c/*/*.c)
native_src := $(core) $(wildcard core-c/port/posix/*.c)
wasm_src := $(core) $(wildcard wasm/port/*.c wasm/runtime/*.c wasm/libc/*.c)
native_obj := $(native_src:%.c=build/native/%.o)
wasm_obj := $(wasm_src:%.c=build/wasm/%.o)
bench_obj := $(patsubst %.c,build/wasm/%.o,$(wildcard wasm/bench/*.c))
# Calls that test/fail-nth can make fail: fail-memory.c, fail-port.c.
fail_c := $(addprefix test/fail-nth/,fail.c fail-memory.c fail-port.c)
test_c := $(wildcard test/c/*.c) $(fail_c) test/fail-nth/parts.c test/fail-nth/test-fail-nth.c
comma := ,
failing_both := $(addprefix aio_priv_port_,thread_start queue_submit queue_reap)
failing := $(addprefix -Wl$(comma)--wrap=,$(failing_both) malloc calloc realloc aligned_alloc strdup free mmap munmap \
  pthread_create eventfd epoll_create1 syscall preadv pwritev fdatasync)
failing_wasm := $(addprefix -Wl$(comma)--wrap=,$(failing_both) $(addprefix aio_priv_port_,event_open watcher_new io_run) \
  emscripten_builtin_malloc emscripten_builtin_memalign)
fuzzers := loop threads
bench_c := $(basename $(notdir $(wildcard test/bench/*.c)))
lib_ts := $(shell find ts/src -name '*.ts' 2>/dev/null)
demo_ts := $(shell find ts/demo -type f 2>/dev/null)
# The programs of the page "Run a program".
demo_programs := $(patsubst ts/demo/run/%.c,build/demo/%.wasm,$(wildcard ts/demo/run/*.c)) build/examples/rot13.wasm
# Programs of others, if make test-ports has built them.
demo_ports := $(wildcard build/ports/wasm/sqlite3/sqlite3 build/ports/wasm/lua5.4/src/lua)
conformance_js := $(shell find ts/conformance -type f 2>/dev/null)
jest_ts := $(shell find test/jest -name '*.ts' 2>/dev/null)

native_lib := build/native/libaioloop.a
# Asyncify does not instrument the first of these libraries: see wasm/link.mjs.
co_obj := $(filter build/wasm/core-c/coroutine/% build/wasm/wasm/%/coroutine.o,$(wasm_obj))
# The parts of libc that we replace; linked as needed, like libc.
libc_obj := $(filter build/wasm/wasm/libc/%,$(wasm_obj))
loop_obj := $(filter-out $(co_obj) $(libc_obj),$(wasm_obj))
wasm_lib := build/wasm/libaioloop.a build/wasm/libaiocoroutine.a build/wasm/libaiolibc.a
test_native := build/native/tests
test_wasm := build/wasm/tests.wasm
bench_native := $(bench_c:%=build/bench/native/%)
bench_modules := $(patsubst test/bench/modules/%.c,build/bench/modules/%.wasm,$(wildcard test/bench/modules/*.c))
bench_wasm := $(bench_c:%=build/bench/wasm/%.wasm)
jest_wasm := $(patsubst test/jest/%.c,build/%.wasm,$(wildcard test/jest/fixtures/*.c test/jest/plain/*.c)) \
  $(patsubst docs/%.c,build/%.wasm,$(wildcard docs/examples/*.c)) build/conformance/directories.module.wasm \
  build/bench/wasm/coroutine.wasm
# The simulated program, and the machine that simulates it.
sim_program := $(core) core-c/port/sim/coroutine.c core-c/port/sim/events.c core-c/port/sim/absent.c wasm/runtime/handle.c wasm/runtime/calls.c $(wildcard test/sim/*.c)
sim_both := $(filter-out $(sim_program),$(wildcard core-c/port/sim/*.c))
sim_machine := $(sim_both) $(wildcard core-c/port/sim/native/*.c)
sim_wasm_machine := $(sim_both) $(wildcard core-c/port/sim/wasm/*.c)
# The bugs that the page "Break it" offers; and one that the tests of the simulator need.
page_mutants := notify-reads-relaxed notify-looks-first notify-if-not-notified poll-sleeps-notified gsource-looks-before-it-says \
  timer-notifies-nobody handler-notifies-nobody mutex-unlocks-by-a-store cond-sleeps-on-the-new event-set-skipped sem-passes-no-wake-on
sim_mutants := $(page_mutants) mutex-locks-relaxed
sim_wasm := build/sim/sim.wasm $(sim_mutants:%=build/sim/wasm/mutants/%/sim.wasm)
sim_obj := $(sim_program:%.c=build/sim/program/%.o) $(sim_machine:%.c=build/sim/machine/%.o)
sim_wasm_obj := $(sim_program:%.c=build/sim/wasm/program/%.o) $(sim_wasm_machine:%.c=build/sim/wasm/machine/%.o)
posix_c := $(basename $(notdir $(wildcard test/posix/*.c)))
posix_programs := $(posix_c:%=build/posix/%) $(posix_c:%=build/posix/%.wasm)
conformance_wasm := $(patsubst test/conformance/cases/%.c,build/conformance/%.wasm,$(wildcard test/conformance/cases/*.c))

.PHONY: help demo test build native wasm ts test-c test-compilers test-jest test-posix test-ports test-nbd test-pages test-firefox test-wasi-packages test-toolchain test-package test-models \
  sim fuzz trust coverage night test-mutants test-conformance runtimes conformance conformance-programs chaos soak soak-calls bench bench-compare bench-calls bench-nbd bench-scale bench-wasi serve site screenshots docs publish-check lint clean distclean FORCE

help:
	@echo 'make demo       build all and run the main job: IOThreads read and verify a file'
	@echo 'make test       build all and run the tests, but for the long forms below'
	@echo 'make bench      build all and run the benchmarks (ONLY=name, QUICK=1)'
	@echo 'make bench-compare  the loop beside the native build of an older commit (COMPARE=commit, ONLY=name, QUICK=1)'
	@echo 'make bench-calls  calls to another thread beside postMessage, comlink and a ring by hand (ONLY=name, QUICK=1)'
	@echo 'make bench-scale  how costs and memory grow with the number of contexts, handlers, timers and more (ONLY=curve, QUICK=1)'
	@echo 'make bench-wasi the WASI host beside node:wasi and bare fs calls (ONLY=name, QUICK=1)'
	@echo 'make bench-nbd  the NBD client beside a bare socket and fio, wasm-aio nbd-serve beside nbdkit (ONLY="word word", QUICK=1, JSON=1, RECORD=1)'
	@echo 'make screenshots  the pictures of the pages under docs/images, by Chromium'
	@echo 'make serve      build all and serve the demo pages on this machine, at /docs/ what make docs has made'
	@echo 'make site       build/static: the demo pages, the conformance suite and the documentation, for any static server'
	@echo 'make docs       make the site of the documentation: build/site/html'
	@echo
	@echo 'make build      native, wasm and ts'
	@echo 'make native     build/native/libaioloop.a, for C programs on this machine'
	@echo 'make wasm       dist/aio.wasm and dist/bench.wasm, and what wasm/aiocc needs'
	@echo 'make ts         dist/, the npm package and its program wasm-aio'
	@echo 'make test-c     the C tests, natively and in WebAssembly (ONLY=program or program/test)'
	@echo 'make test-jest  the TypeScript tests (ONLY=pattern)'
	@echo 'make test-posix C programs whose output must be the same natively and in WebAssembly (ONLY=topic,'
	@echo '                PAGE=1: in a page of Chromium instead of Node)'
	@echo 'make test-package   the npm package, in Node and through bundlers'
	@echo 'make test-compilers  the C tests with gcc and clang, and under the sanitizers (ONLY=program,'
	@echo '                CC_ALL=1: each sanitizer with both)'
	@echo 'make chaos      random programs that start, work, fail and end (ROUNDS=n, SEED=n)'
	@echo 'make soak       all features at once for MINUTES=n; memory must stay flat'
	@echo 'make soak-calls ten million calls; memory must stay flat (CALLS=n)'
	@echo 'make test-ports     well-known C programs, built with aiocc by their own build systems (ONLY=port)'
	@echo 'make test-frameworks    the recipes of docs/bundlers.md for Rollup, Rspack, Parcel, Bun and others, from npm (ONLY=bundler)'
	@echo 'make test-pages     the long form of the tests of "Break it": 100,000 orders after each of the eleven bugs was put back'
	@echo 'make test-firefox   the tests of the demo pages in Firefox instead of Chromium, by a Playwright from npm (ONLY="page page")'
	@echo 'make test-wasi-packages  threaded packages of npm, built with napi-rs, on WasiHost (ONLY="package place", STARTS=n)'
	@echo 'make test-nbd   NBD with peers that others have written: nbdcopy, qemu-io, fio and more (ONLY="word word", SEED=n)'
	@echo 'make sim        the core in the simulator: schedules by chance and by priority, and all of small programs'
	@echo '                (SEEDS=n, ONLY=scenario; SEED=n ONLY=scenario: that run again, step by step)'
	@echo 'make test-mutants   bugs planted in the core, which the simulator has to find (ONLY=name)'
	@echo 'make fuzz       random programs, values, command lines and WASI guests for SECONDS=n each (ONLY=target, SEED=n)'
	@echo 'make trust      the quick form of what searches for rare faults: models, simulator, planted bugs, fuzzing,'
	@echo '                failing calls (FIXED=1: the same inputs each time)'
	@echo 'make coverage   which lines of the C core and of ts/src no test runs (ONLY=c or ts)'
	@echo 'make night      every long form once, and its counts into docs/reliability.md (HOURS=n, ONLY=form)'
	@echo 'make test-toolchain  build and test with the Emscripten of Debian stable, of its testing, and of an emsdk (ONLY=suite)'
	@echo 'make test-models    the models of the loop, searched by spin (ONLY=model)'
	@echo 'make test-conformance  the conformance suite in Node and Chromium (ONLY=case)'
	@echo 'make runtimes       install the nine runtimes that make conformance uses: Node 20 to 26, Deno, Bun, browsers'
	@echo 'make conformance    those cases and the C tests in all of them (ONLY=case, RUNTIME=node20,deno,..., QUICK=1,'
	@echo '                MATRIX=1: and write the table of docs/portability.md)'
	@echo 'make publish-check  what must be true before npm publish, and what the publisher has to fill in'
	@echo 'make lint       eslint on the TypeScript'
	@echo 'make clean      remove what was built'
	@echo 'make distclean  remove what was fetched too: .toolchain/, .runtimes/ and node_modules/ (both)'
	@echo
	@echo 'V=1 shows the commands, CC=clang and CFLAGS=... change the native build.'

build: native wasm ts
native: $(native_lib)
wasm: dist/aio.wasm dist/bench.wasm
ts: dist/.stamp dist/conformance/.stamp $(if $(demo_ts),dist/demo/.stamp)

demo: build
	$(call step,RUN,wasm-aio bench)
	$(Q)node dist/cli/main.js bench

serve: build build/static/.stamp
	$(Q)node dist/cli/main.js serve

screenshots: build build/static/.stamp
	$(Q)node ts/demo/screenshots.mjs

# ---- the site: its generator has its own package.json, because nothing else needs it ----

docs/site/node_modules/.stamp: docs/site/package.json docs/site/package-lock.json | build/node.ok
	$(call step,NPM,ci (docs/site))
	$(Q)wasm/toolchain/host.sh npm docs/site
	@touch $@

docs: docs/site/node_modules/.stamp node_modules/.stamp
	$(call step,SITE,build/site/html)
	$(Q)node docs/site/build.mjs

# A folder for any static server, under any path.
site: build build/static/.stamp docs
	$(call step,COPY,build/static/docs)
	$(Q)rm -rf build/static/docs && cp -r build/site/html build/static/docs

# ---- values that targets depend on: a file that changes when its value does ----

# $(call kept,NAME,TEXT): build/NAME.value contains TEXT; it is rewritten if it contains another text.
define kept
build/$(1).value: $(if $(call same,$(strip $(2)),$(strip $(file <build/$(1).value))),,FORCE)
	@mkdir -p build
	@echo '$(strip $(2))' > $$@
endef
$(eval $(call kept,native-flags,$(CC) $(NATIVE_FLAGS) $(INSIDE)))
$(eval $(call kept,sim-flags,$(CC) $(SIM_FLAGS) $(SIM_PROGRAM)))
$(eval $(call kept,sim-list,$(sim_program) $(sim_machine)))
$(eval $(call kept,sim-wasm-flags,$(SIM_WASM_FLAGS) $(SIM_WASM_PROGRAM)))
$(eval $(call kept,sim-wasm-list,$(sim_program) $(sim_wasm_machine)))
$(eval $(call kept,native-list,$(native_src)))
$(eval $(call kept,test-list,$(test_c)))
$(eval $(call kept,wasm-flags,$(WASM_FLAGS) $(INSIDE_WASM)))
$(eval $(call kept,wasm-list,$(wasm_src)))
# where the programs of the host are: they are tried once, and again when PATH changes
$(eval $(call kept,node,$(shell command -v node; command -v npm)))
$(eval $(call kept,compilers,$(CC) $(CC_ALL) $(shell command -v clang; command -v gcc)))
$(eval $(call kept,cc,$(CC) $(shell command -v $(CC); command -v ar)))

build/node.ok build/cc.ok: build/%.ok: build/%.value wasm/toolchain/host.sh
	$(Q)CC='$(CC)' wasm/toolchain/host.sh $*
	@touch $@

# ---- Emscripten --------------------------------------------------------------

# The result of the last search is used again as long as emsdk.config, EMSDK, AIO_TOOLCHAIN and
# the emcc on PATH are unchanged: asking emcc each time would take longer than a build.
-include $(wildcard build/toolchain.mk)
emcc := $(shell command -v emcc)
toolchain_key := $(CURDIR)|$(EMSDK)|$(AIO_TOOLCHAIN)|$(emcc)
toolchain_ok := $(and $(call same,$(toolchain_key),$(TOOLCHAIN_KEY)),$(wildcard $(EM_CLANG)))
# $(call tool,EM_AR): the path of a tool. The shell looks it up when a recipe runs, because in the
# first build the file does not exist before.
tool = $$(sed -n 's/^$(1) = //p' build/toolchain.mk)

build/toolchain.found: emsdk.config wasm/toolchain/find-toolchain.sh $(emcc) $(if $(toolchain_ok),,FORCE) | build/node.ok
	$(Q)wasm/toolchain/find-toolchain.sh build/toolchain.mk '$(toolchain_key)'
	@touch $@

# ---- C, natively -------------------------------------------------------------

build/native/%.o: %.c build/native-flags.value | build/cc.ok
	$(call step,CC,$*.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_FLAGS) -Icore-c/include $(INSIDE) -iquote test/c -MMD -MP -c $< -o $@

$(native_lib): $(native_obj) build/native-list.value
	$(call step,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) rcs $@ $(native_obj)

build/native/tests: $(test_c:%.c=build/native/%.o) $(native_lib) build/test-list.value
	$(call step,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(failing) $(filter %.o,$^) $(native_lib) -lpthread -lm -o $@

# ---- C, in the simulator ----

build/sim/program/%.o: %.c build/sim-flags.value | build/cc.ok
	$(call step,CC,$*.c (simulator))
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_FLAGS) $(SIM_PROGRAM) -MMD -MP -c $< -o $@

build/sim/machine/%.o: %.c build/sim-flags.value | build/cc.ok
	$(call step,CC,$*.c)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_FLAGS) -MMD -MP -c $< -o $@

# The program's variables get sections of their own, which the simulator sets back before each run.
build/sim/sim: $(sim_obj) build/sim-list.value core-c/port/sim/native/link.sh
	$(call step,CC,$@)
	$(Q)core-c/port/sim/native/link.sh '$(CC)' $@ build/sim/program build/sim/machine

# The same for gcov. Its counters must outlive a run, so they get other sections.
build/coverage-sim/program/%.o: %.c build/sim-flags.value | build/cc.ok
	$(call step,CC,$*.c (simulator, coverage))
	@mkdir -p $(@D)
	$(Q)gcc $(SIM_FLAGS) $(filter-out -fsanitize=thread,$(SIM_PROGRAM)) $(COVERAGE) -fdata-sections -MMD -MP -c $< -o $@

build/coverage-sim/sim: $(sim_program:%.c=build/coverage-sim/program/%.o) $(sim_machine:%.c=build/sim/machine/%.o) build/sim-list.value test/coverage/sim.ld
	$(call step,CC,$@)
	$(Q)ld -r -T test/coverage/sim.ld $(filter build/coverage-sim/%.o,$^) -o $@.o
	$(Q)gcc --coverage -no-pie $@.o $(filter build/sim/%.o,$^) -o $@

# ---- C, in the simulator, in WebAssembly ----

build/sim/wasm/program/%.o: %.c build/sim-wasm-flags.value build/toolchain.found
	$(call step,WASM,$*.c (simulator))
	@mkdir -p $(@D)
	$(Q)$(call tool,EM_CLANG) --sysroot=$(call tool,EM_SYSROOT) $(SIM_WASM_FLAGS) $(SIM_WASM_PROGRAM) -MMD -MP -c $< -o $@

build/sim/wasm/machine/%.o: %.c build/sim-wasm-flags.value build/toolchain.found
	$(call step,WASM,$*.c)
	@mkdir -p $(@D)
	$(Q)$(call tool,EM_CLANG) --sysroot=$(call tool,EM_SYSROOT) $(SIM_WASM_FLAGS) -MMD -MP -c $< -o $@

build/sim/sim.wasm: $(sim_wasm_obj) build/sim-wasm-list.value core-c/port/sim/wasm/link.mjs test/sim/simulator.mjs
	$(call step,LINK,$@)
	$(Q)node core-c/port/sim/wasm/link.mjs $@ build/sim/wasm/program build/sim/wasm/machine

# The same with a bug that is planted: a module for each.
build/sim/wasm/mutants/%/sim.wasm: test/mutants/%.patch build/sim/sim.wasm test/mutants/build.mjs
	$(call step,WASM,$< (simulator))
	$(Q)node test/mutants/build.mjs wasm $*

# ---- C, where counters wrap ----

# The C tests with counters that start shortly before they wrap: the files that have such counters are compiled anew.
wrap_src := $(shell grep -l '"port/counter.h"' $(native_src) $(wasm_src))
WRAP_FLAGS := -DAIO_COUNTER_START=0xfffffffbu
# $(call wrap_core,BUILD,OBJECTS): the objects, with those of wrap_src in place of the same ones
wrap_core = $(filter-out $(wrap_src:%.c=build/$(1)/%.o),$(2)) $(filter $(wrap_src:%.c=build/$(1)-wrap/%.o),$(2:build/$(1)/%=build/$(1)-wrap/%))
wrap_lib := $(wasm_lib:build/wasm/%=build/wasm-wrap/%)

build/native-wrap/%.o: %.c build/native-flags.value | build/cc.ok
	$(call step,CC,$*.c (wrap))
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_FLAGS) $(WRAP_FLAGS) -Icore-c/include $(INSIDE) -MMD -MP -c $< -o $@

build/native-wrap/libaioloop.a: $(call wrap_core,native,$(native_obj)) build/native-list.value
	$(call step,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

build/native-wrap/tests: $(test_c:%.c=build/native/%.o) build/native-wrap/libaioloop.a build/test-list.value
	$(call step,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(failing) $(filter %.o %.a,$^) -lpthread -lm -o $@

-include $(wrap_src:%.c=build/native-wrap/%.d) $(wrap_src:%.c=build/wasm-wrap/%.d)

build/costs/paths: test/costs/paths.c $(native_lib)
	$(call step,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_FLAGS) -Icore-c/include -MMD -MP -MF $@.d $< $(native_lib) -lpthread -lm -o $@

build/bench/native/%: test/bench/%.c $(native_lib)
	$(call step,CC,$< (native))
	@mkdir -p $(@D)
	$(Q)$(CC) $(NATIVE_FLAGS) -Icore-c/include $(INSIDE) -Itest/bench -MMD -MP -MF $@.d $< $(native_lib) -lpthread -lm -o $@

# ---- C, natively: with the other compiler, and under the sanitizers -----------

# The list of builds, such as tsan-gcc, is known once the compilers have been tried.
build/compilers.mk: build/compilers.value wasm/toolchain/host.sh | build/cc.ok
	$(Q)CC='$(CC)' CC_ALL='$(CC_ALL)' wasm/toolchain/host.sh compilers
ifneq ($(filter test test-compilers test-fuzz fuzz trust,$(MAKECMDGOALS)),)
include build/compilers.mk
endif
# The builds in which make fuzz searches: with libFuzzer; and with random inputs under ThreadSanitizer, because libFuzzer counts what code is
# reached in words that all threads write. And the build in which make test runs the inputs of before again.
fuzzer_builds := $(if $(filter asan-clang,$(builds)),fuzzasan-clang)
fuzz_builds := $(fuzzer_builds) $(filter tsan-%,$(builds))
replay_build := $(or $(firstword $(filter asan-%,$(builds))),$(firstword $(builds)))

# $(call build,NAME,COMPILER,FLAGS): build/NAME/tests
define build
$(call kept,$(1)-flags,$(2) $(3) $(INSIDE))

build/$(1)/%.o: %.c build/$(1)-flags.value
	$$(call step,CC,$$*.c ($(1)))
	@mkdir -p $$(@D)
	$$(Q)$(2) $(3) -Icore-c/include $$(INSIDE) -iquote test/c -MMD -MP -c $$< -o $$@

build/$(1)/libaioloop.a: $(native_src:%.c=build/$(1)/%.o) build/native-list.value
	$$(call step,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$(filter %.o,$$^)

build/$(1)/tests: $(test_c:%.c=build/$(1)/%.o) build/$(1)/libaioloop.a build/test-list.value
	$$(call step,CC,$$@)
	$$(Q)$(2) $(3) $(failing) $$(filter %.o %.a,$$^) -lpthread -lm -o $$@

build/$(1)/fuzz-loop: $(patsubst %.c,build/$(1)/%.o,$(wildcard test/fuzz/loop-*.c) test/fuzz/model.c)
# A fuzzer has libFuzzer's main(), any other build one that runs the files which it is given.
$(fuzzers:%=build/$(1)/fuzz-%): build/$(1)/fuzz-%: build/$(1)/test/fuzz/%.o build/$(1)/test/fuzz/ring.o \
    $(if $(filter fuzz%,$(1)),,build/$(1)/test/fuzz/replay.o) build/$(1)/libaioloop.a
	$$(call step,CC,$$@)
	$$(Q)$(2) $(3) $(if $(filter fuzz%,$(1)),-fsanitize=fuzzer) -Wl,--wrap=aio_priv_port_poll_ring_new $$(filter %.o,$$^) $$(filter %.a,$$^) -lpthread -lm -o $$@

-include $(patsubst %.c,build/$(1)/%.d,$(native_src) $(test_c) $(wildcard test/fuzz/*.c))
endef
$(eval $(call build,coverage,gcc,-std=gnu11 -g $(COVERAGE)))
build/coverage/tests: build/coverage/test/coverage/abort.o
$(foreach b,$(builds) $(fuzzer_builds),$(eval $(call build,$(b),$(CC_$(lastword $(subst -, ,$(b)))),$(FLAGS_$(firstword $(subst -, ,$(b)))))))

# ---- C, to WebAssembly: aiocc knows the flags --------------------------------

aiocc := $(wildcard wasm/*.mjs) wasm/port/machine.h $(wildcard wasm/port/*.wat) wasm/libc/wrapped.txt build/toolchain.found

build/wasm/%.o: %.c $(aiocc) build/wasm-flags.value
	$(call step,WASM,$*.c)
	@mkdir -p $(@D)
	$(Q)wasm/aiocc $(WASM_FLAGS) $(INSIDE_WASM) -iquote test/c -MMD -MP -c $< -o $@

build/wasm/libaioloop.a: $(loop_obj) build/wasm-list.value
build/wasm/libaiocoroutine.a: $(co_obj) build/wasm-list.value
build/wasm/libaiolibc.a: $(libc_obj) build/wasm-list.value
$(wasm_lib):
	$(call step,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(call tool,EM_AR) rcs $@ $(filter %.o,$^)

dist/aio.wasm: $(wasm_lib) wasm/exports.txt
	$(call step,LINK,$@)
	@mkdir -p $(@D)
	$(Q)wasm/aiocc --aio-reactor -o $@

# The module that `wasm-aio bench` and the demo page load instead, with the loops of the bench.
dist/bench.wasm: $(bench_obj) $(wasm_lib) wasm/exports.txt
	$(call step,LINK,$@)
	@mkdir -p $(@D)
	$(Q)wasm/aiocc --aio-reactor $(bench_obj) -o $@

build/wasm/tests.wasm: $(test_c:%.c=build/wasm/%.o) $(wasm_lib) wasm/exports.txt build/test-list.value
	$(call step,LINK,$@)
	$(Q)wasm/aiocc $(failing_wasm) $(filter %.o,$^) -o $@

# The same with the counters that may wrap.
build/wasm-wrap/%.o: %.c $(aiocc) build/wasm-flags.value
	$(call step,WASM,$*.c (wrap))
	@mkdir -p $(@D)
	$(Q)wasm/aiocc $(WASM_FLAGS) $(WRAP_FLAGS) $(INSIDE_WASM) -MMD -MP -c $< -o $@

build/wasm-wrap/libaioloop.a: $(call wrap_core,wasm,$(loop_obj))
build/wasm-wrap/libaiocoroutine.a: $(call wrap_core,wasm,$(co_obj))
build/wasm-wrap/libaiolibc.a: $(call wrap_core,wasm,$(libc_obj))
$(wrap_lib):
	$(call step,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(call tool,EM_AR) rcs $@ $(filter %.o,$^)

build/wasm-wrap/tests.wasm: $(test_c:%.c=build/wasm/%.o) $(wrap_lib) wasm/exports.txt build/test-list.value
	$(call step,LINK,$@)
	$(Q)AIOCC_CORE=build/wasm-wrap wasm/aiocc -O1 $(failing_wasm) $(filter %.o,$^) -o $@

build/fail-nth.wasm: build/wasm/test/fail-nth/module.o $(fail_c:%.c=build/wasm/%.o) $(wasm_lib) wasm/exports.txt
	$(call step,LINK,$@)
	$(Q)wasm/aiocc --aio-reactor $(failing_wasm) $(filter %.o,$^) -o $@

# $(call program,FOLDER,SOURCES,FLAGS): build/FOLDER/%.wasm is SOURCES/%.c with the library
define program
build/$(1)/%.wasm: $(2)/%.c $(wasm_lib) wasm/exports.txt
	$$(call step,WASM,$$<)
	@mkdir -p $$(@D)
	$$(Q)wasm/aiocc $(WASM_FLAGS) $(3) -MMD -MP -MF $$@.d $$< -o $$@
endef
# Where speed does not matter, -O1, or -O0 without coroutines: such a program is linked in a third, or a sixth, of the time.
$(eval $(call program,fixtures,test/jest/fixtures,$(INSIDE_WASM) -O1))
$(eval $(call program,chaos,test/chaos,$(INSIDE_WASM)))
$(eval $(call program,conformance,test/conformance/cases,-O1))
$(eval $(call program,examples,docs/examples,))
$(eval $(call program,demo,ts/demo/run,))
$(eval $(call program,bench/wasm,test/bench,$(INSIDE_WASM) -Itest/bench))
$(eval $(call program,bench/modules,test/bench/modules,$(INSIDE_WASM)))
$(eval $(call program,posix,test/posix,$(POSIX_FLAGS) -O0))

# The programs that test/posix compares: what they do on Linux, by its own libc.
build/posix/%: test/posix/%.c | build/cc.ok
	$(call step,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror $(POSIX_FLAGS) -MMD -MP -MF $@.d $< -lpthread -lm -o $@

# A module whose threads can be stopped after each step that other threads see: its files of
# the core are compiled with test/kills/kill-points.h.
kill_src := $(wildcard core-c/sync/*.c wasm/port/*.c wasm/libc/pthread-*.c) \
  $(addprefix core-c/loop/,bh.c bh-pool.c bh-run.c notify.c fd-handler.c handler-table.c) core-c/time/timer.c $(addprefix core-c/block/,pool-threads.c thread-pool.c) \
  core-c/coroutine/aio-co.c core-c/coroutine/co-mutex.c wasm/runtime/handle.c wasm/runtime/thread.c wasm/libc/heap.c
kill_obj := $(kill_src:%.c=build/wasm-kills/%.o)
# $(call kill_core,OBJECTS): the objects of the library, with OBJECTS replacing those of the same names
kill_core = $(filter-out $(kill_src:%.c=build/wasm/%.o),$(1)) $(filter $(kill_obj),$(1:build/wasm/%=build/wasm-kills/%))
kill_lib := $(wasm_lib:build/wasm/%=build/wasm-kills/%)

build/wasm-kills/%.o: %.c test/kills/kill-points.h $(aiocc) build/wasm-flags.value
	$(call step,WASM,$*.c (kills))
	@mkdir -p $(@D)
	$(Q)wasm/aiocc $(WASM_FLAGS) $(INSIDE_WASM) -include test/kills/kill-points.h -MMD -MP -c $< -o $@

build/wasm-kills/libaioloop.a: $(call kill_core,$(loop_obj))
build/wasm-kills/libaiocoroutine.a: $(call kill_core,$(co_obj))
build/wasm-kills/libaiolibc.a: $(call kill_core,$(libc_obj))
$(kill_lib):
	$(call step,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(call tool,EM_AR) rcs $@ $(filter %.o,$^)

build/fixtures/kills.wasm: test/jest/fixtures/kills.c $(kill_lib) wasm/exports.txt
	$(call step,WASM,$< (for jest))
	@mkdir -p $(@D)
	$(Q)AIOCC_CORE=build/wasm-kills wasm/aiocc $(WASM_FLAGS) $(INSIDE_WASM) -MMD -MP -MF $@.d $< -o $@

# WASI programs as others build them: without a libc, and without anything of ours.
PLAIN_FLAGS := -target wasm32-unknown-unknown -std=gnu11 -O1 -mbulk-memory -Wall -Wextra -Werror -nostdlib
PLAIN_LINK := --no-entry
build/plain/threads.wasm build/plain/reactor.wasm: PLAIN_FLAGS += -matomics
build/plain/threads.wasm build/plain/reactor.wasm: PLAIN_LINK += --import-memory --shared-memory --max-memory=1048576 --export=wasi_thread_start
build/plain/%.wasm: test/jest/plain/%.c test/jest/plain/wasi.h test/jest/plain/threads.h build/toolchain.found
	$(call step,WASM,$< (for jest))
	@mkdir -p $(@D)
	$(Q)$(call tool,EM_CLANG) $(PLAIN_FLAGS) -c $< -o $@.o && $(call tool,EM_LD) $(PLAIN_LINK) $@.o -o $@ && rm $@.o

build/bench/wasi-threads.wasm: PLAIN_FLAGS += -matomics
build/bench/wasi-threads.wasm: PLAIN_LINK += --import-memory --shared-memory --max-memory=1048576 --export=wasi_thread_start
build/bench/wasi-%.wasm: test/bench/wasi/%.c test/jest/plain/wasi.h test/jest/plain/threads.h build/toolchain.found
	$(call step,WASM,$< (for the bench))
	@mkdir -p $(@D)
	$(Q)$(call tool,EM_CLANG) $(PLAIN_FLAGS) -c $< -o $@.o && $(call tool,EM_LD) $(PLAIN_LINK) $@.o -o $@ && rm $@.o

# Linked at -O1 and then optimised, because at -O2 Emscripten's JavaScript optimiser
# does not run on every version of Node.
build/bench/fibers/fibers.mjs: test/bench/peers/fibers.c build/toolchain.found
	$(call step,EMCC,$< (a peer))
	@mkdir -p $(@D)
	$(Q)$(call tool,EM_CC) -O3 -c $< -o $(@D)/fibers.o 2> $(@D)/log && \
	  $(call tool,EM_CC) -O1 -sASYNCIFY -sENVIRONMENT=node $(@D)/fibers.o -o $@ 2>> $(@D)/log && \
	  $(call tool,EM_OPT) -O3 --enable-bulk-memory --enable-sign-ext --enable-mutable-globals --enable-nontrapping-float-to-int \
	    $(@D)/fibers.wasm -o $(@D)/fibers.wasm || { cat $(@D)/log >&2; exit 1; }

-include $(sim_obj:.o=.d) $(sim_wasm_obj:.o=.d) $(sim_program:%.c=build/coverage-sim/program/%.d)
-include $(native_obj:.o=.d) $(wasm_obj:.o=.d) $(bench_obj:.o=.d) $(kill_obj:.o=.d)
-include $(test_c:%.c=build/native/%.d) $(test_c:%.c=build/wasm/%.d)
-include $(patsubst %,%.d,build/costs/paths $(bench_native) $(bench_wasm) $(bench_modules) $(jest_wasm) $(conformance_wasm) $(posix_programs) build/chaos/module.wasm)

# ---- TypeScript --------------------------------------------------------------

node_modules/.stamp: package.json package-lock.json | build/node.ok
	$(call step,NPM,ci)
	$(Q)wasm/toolchain/host.sh npm
	@touch $@

tsc := node node_modules/typescript/bin/tsc
# The two workers, each in one file: the worker of the runtime, and that of WASI guests.
worker_bundle = node_modules/.bin/esbuild ts/src/iothread/worker-$(1).ts ts/src/wasi/guest-$(1).ts \
  --bundle --format=esm --platform=$(1) --main-fields=module,main --log-level=warning \
  --outbase=ts/src --outdir=dist

# The module that a pool's IOThreads load by its address.
pool_bundle = node_modules/.bin/esbuild ts/src/pool/worker.ts --bundle --format=esm --platform=neutral --main-fields=module,main \
  --log-level=warning --outbase=ts/src --outdir=dist

# The program wasm-aio, and its command that runs guests, each in one file: loading a hundred files takes longer than most guests run.
# Without white space, because it is text that the package has a second time.
cli_bundle = node_modules/.bin/esbuild ts/src/cli/main.ts ts/src/cli/run.ts --bundle --minify-whitespace --ignore-annotations --format=esm --platform=node \
  --main-fields=module,main --log-level=warning --external:./bench.js --external:./conformance.js --external:./doctor.js --external:./nbd-serve.js --external:./run.js --external:./serve.js \
  --outbase=ts/src --outdir=dist

# removes the output of sources that no longer exist
$(eval $(call kept,ts-list,$(lib_ts)))
$(eval $(call kept,jest-list,$(jest_ts)))
fresh = $(if $(filter $(1),$?),$(Q)rm -rf $(2))

dist/.stamp: $(lib_ts) ts/isolation/isolate.js ts/tsconfig.json ts/types.mjs node_modules/.stamp build/ts-list.value
	$(call step,TSC,ts/src)
	$(call fresh,build/ts-list.value,$(filter-out dist/%.wasm,$(wildcard dist/*)) dist/.tsbuildinfo)
	$(Q)$(tsc) -p ts
	$(Q)$(call worker_bundle,node) && $(call worker_bundle,browser) && $(pool_bundle) && $(cli_bundle)
	$(Q)cp ts/isolation/isolate.js dist/
	$(Q)node ts/types.mjs
	@touch $@

# The conformance suite is copied as it is: its cases' texts run in workers, and are printed for reports of faults.
$(eval $(call kept,conformance-list,$(conformance_js)))
dist/conformance/.stamp: $(conformance_js) dist/.stamp build/conformance-list.value
	$(call step,COPY,ts/conformance)
	$(Q)rm -rf $(@D) && cp -r ts/conformance $(@D)
	@touch $@

$(eval $(call kept,demo-ports,$(demo_ports)))
dist/demo/.stamp: $(demo_ts) dist/.stamp dist/conformance/.stamp build/demo/explorer.wasm $(demo_programs) $(demo_ports) build/demo-ports.value
	$(call step,TSC,ts/demo)
	$(Q)rm -rf $(@D)
	$(Q)$(tsc) -p ts/demo
	$(Q)cp $(filter-out %.ts %.mts %.mjs %.json %.c,$(demo_ts)) dist/demo/
	$(Q)cp build/demo/explorer.wasm dist/demo/explorer/
	$(Q)cp $(demo_programs) dist/demo/run/
	$(Q)node ts/demo/ports.mjs dist/demo/run/ports $(demo_ports)
	$(Q)node ts/unreached.mjs
	@touch $@

# The workloads of the loop explorer.
build/demo/explorer.wasm: ts/demo/explorer/workloads.c $(wasm_lib) wasm/exports.txt
	$(call step,WASM,$<)
	@mkdir -p $(@D)
	$(Q)wasm/aiocc $(WASM_FLAGS) --aio-reactor $< -o $@

# The simulator for the page "Break it", which has the C sources beside it.
dist/demo/sim/.stamp: ts/demo/planted.mjs $(sim_wasm) dist/demo/.stamp
	$(call step,COPY,$(@D))
	$(Q)rm -rf $(@D) && node ts/demo/planted.mjs $(@D) $(page_mutants)
	$(Q)node ts/unreached.mjs
	@touch $@

# The pages as a static site.
build/static/.stamp: dist/demo/sim/.stamp
	$(call step,VITE,$(@D))
	$(Q)node ts/demo/site.mjs $(CURDIR)/$(@D)
	@touch $@

# dist/ once more, with source maps.
build/coverage/dist/.stamp: dist/.stamp
	$(call step,TSC,ts/src (source maps))
	$(Q)$(tsc) -p ts --outDir $(@D) --sourceMap --incremental false
	$(Q)$(subst --outdir=dist,--outdir=$(@D) --sourcemap,$(call worker_bundle,node) && $(call worker_bundle,browser) && $(pool_bundle) && $(cli_bundle))
	@touch $@

build/test/.stamp: $(jest_ts) test/tsconfig.json dist/.stamp build/jest-list.value
	$(call step,TSC,test/jest)
	$(call fresh,build/jest-list.value,build/test)
	$(Q)$(tsc) -p test
	@touch $@

# ---- tests -------------------------------------------------------------------

test: build build/costs/paths $(test_native) $(test_wasm) build/native-wrap/tests build/wasm-wrap/tests.wasm build/fail-nth.wasm build/chaos/module.wasm $(jest_wasm) $(bench_native) $(conformance_wasm) $(posix_programs) $(if $(jest_ts),build/test/.stamp) build/chromium.tried \
    build/sim/sim $(sim_wasm) build/static/.stamp build/glib.tried $(patsubst %,build/%/tests,$(filter-out native-%,$(builds))) $(if $(replay_build),$(fuzzers:%=build/$(replay_build)/fuzz-%))
	$(Q)node test/run.mjs

test-c: $(test_native) $(test_wasm) build/native-wrap/tests build/wasm-wrap/tests.wasm dist/aio.wasm dist/.stamp
	$(Q)node test/run.mjs c-native c-wasm c-native-wrap c-wasm-wrap

test-jest: build $(jest_wasm) $(bench_native) $(if $(jest_ts),build/test/.stamp) build/chromium.tried build/static/.stamp
	$(Q)node test/run.mjs jest

sim: build/sim/sim $(sim_wasm) build/node.ok
	$(Q)node test/run.mjs sim

test-mutants: build/sim/sim build/node.ok
	$(Q)node test/run.mjs mutants

# The quick form of what searches for rare faults.
trust: build build/sim/sim $(sim_wasm) build/spin.tried build/fail-nth.wasm $(foreach b,$(fuzz_builds),$(fuzzers:%=build/$(b)/fuzz-%))
	$(Q)SEEDS=2000 SECONDS=15 $(if $(FIXED),FUZZ_SEED=1) node test/run.mjs models sim mutants fuzz fail-nth

coverage: build/coverage/tests $(fuzzers:%=build/coverage/fuzz-%) build/coverage-sim/sim build $(jest_wasm) $(bench_native) build/test/.stamp build/chromium.tried dist/demo/sim/.stamp \
    build/fail-nth.wasm build/chaos/module.wasm $(conformance_wasm)
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' node test/coverage/run.mjs

night: | build/node.ok
	$(Q)ONLY='$(ONLY)' HOURS='$(HOURS)' node test/night.mjs

fuzz: build $(foreach b,$(fuzz_builds),$(fuzzers:%=build/$(b)/fuzz-%))
	$(Q)SECONDS='$(or $(SECONDS),60)' SEED='$(SEED)' WRITE='$(WRITE)' node test/run.mjs fuzz

test-posix: build $(posix_programs)
	$(Q)PAGE='$(PAGE)' node test/run.mjs posix

test-package: build build/examples/rot13.wasm build/chromium.tried
	$(Q)node test/run.mjs package

publish-check: build
	$(Q)node test/package/publish.mjs

test-compilers: $(builds:%=build/%/tests) | build/node.ok
	$(Q)node test/run.mjs $(addprefix c-,$(builds) $(missing))

test-conformance: conformance-programs build/chromium.tried
	$(Q)node test/run.mjs conformance

conformance-programs: build $(conformance_wasm)

conformance: conformance-programs $(test_wasm)
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' node test/conformance/run.mjs --tests=build/wasm/tests.wasm $(if $(or $(RUNTIME),$(ON)),--on=$(or $(RUNTIME),$(ON))) $(if $(MATRIX),--matrix)

runtimes: | build/node.ok build/cc.ok
	$(Q)test/conformance/runtimes.sh

test-frameworks: build
	$(Q)ONLY='$(ONLY)' node test/frameworks/run.mjs

test-pages: build build/test/.stamp build/static/.stamp
	$(Q)EVERY_BUG=1 ONLY='jest/break[.]test' node test/run.mjs jest

test-firefox: build build/test/.stamp build/static/.stamp build/examples/rot13.wasm build/plain/command.wasm build/plain/poll.wasm
	$(Q)ONLY='$(ONLY)' node test/pages/run.mjs

test-wasi-packages: build
	$(Q)ONLY='$(ONLY)' STARTS='$(STARTS)' node test/wasi-packages/run.mjs

test-nbd: build | build/node.ok
	$(Q)ONLY='$(ONLY)' SEED='$(SEED)' node test/nbd/run.mjs

test-ports: build | build/cc.ok
	$(Q)ONLY='$(ONLY)' node test/ports/run.mjs

test-toolchain: node_modules/.stamp | build/cc.ok
	$(Q)ONLY='$(ONLY)' test/toolchain/run.sh

test-models: build/spin.tried | build/node.ok
	$(Q)node test/run.mjs models

chaos: build build/chaos/module.wasm build/chromium.tried
	$(Q)ROUNDS='$(or $(ROUNDS),60)' SEED='$(SEED)' node test/chaos/run.mjs

soak: build build/chaos/module.wasm build/examples/rot13.wasm
	$(Q)MINUTES='$(or $(MINUTES),10)' node --expose-gc test/chaos/soak.mjs

lint: node_modules/.stamp dist/.stamp
	$(Q)node test/run.mjs lint

build/chromium.tried build/spin.tried build/glib.tried: build/%.tried: wasm/toolchain/host.sh | build/cc.ok
	$(Q)wasm/toolchain/host.sh $*
	@touch $@

bench: build $(bench_native) $(bench_wasm) $(bench_modules) build/bench/fibers/fibers.mjs build/plain/command.wasm build/examples/rot13.wasm
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' node test/bench/run.mjs

# The native build of an older commit beside this one's (COMPARE=commit). The commit is the last one before the loop was
# compared with others line by line. In WebAssembly on this Node and on 24, if `make runtimes` has installed it.
COMPARE ?= a9ed8a28303357420a7d8760ac32a9ba8ed50572
compare_dir := build/compare/$(COMPARE)
compare_node := $(wildcard $(or $(AIO_RUNTIMES),.runtimes)/bin/node24)
bench-compare: build $(bench_native) $(bench_wasm)
	$(Q)test -d $(compare_dir)/core-c || (mkdir -p $(compare_dir) && git archive $(COMPARE) Makefile core-c wasm test | tar -x -C $(compare_dir))
	$(Q)$(MAKE) -s -C $(compare_dir) $(foreach c,loop rtt timer fd,build/bench/native/$(c))
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' BASE='$(compare_dir)' NODES='$(compare_node)' node test/bench/run.mjs

bench-calls: build build/bench/wasm/rtt.wasm
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' DOCS='$(DOCS)' node test/bench/calls/run.mjs

# Ten million calls (CALLS=n), whose memory must stay flat.
soak-calls: build
	$(Q)CALLS='$(CALLS)' node --expose-gc test/bench/calls/memory.mjs

bench-scale: build build/bench/native/scale build/bench/wasm/scale.wasm
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' DOCS='$(DOCS)' node test/bench/scale/run.mjs

bench-wasi: build build/bench/wasi-calls.wasm build/bench/wasi-threads.wasm build/plain/command.wasm
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' node test/bench/wasi/run.mjs

bench-nbd: build | build/node.ok
	$(Q)ONLY='$(ONLY)' QUICK='$(QUICK)' JSON='$(JSON)' RECORD='$(RECORD)' node test/nbd/bench.mjs

# ---- tidying -----------------------------------------------------------------

clean:
	$(call step,CLEAN,build dist)
	$(Q)rm -rf build dist

distclean: clean
	$(call step,CLEAN,.toolchain .runtimes node_modules docs/site/node_modules)
	$(Q)rm -rf .toolchain .runtimes node_modules docs/site/node_modules
