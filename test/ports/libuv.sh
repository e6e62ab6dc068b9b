#!/bin/bash
# libuv.sh NATIVE - runs libuv's own tests in WebAssembly. Their runner starts each test as a process, which WebAssembly cannot: so it is
# that of the native build, NATIVE, and what it starts is this script, with the name of a test and of its process. Servers that a test talks
# to are native, too: they tell the runner by a descriptor that they are ready. P is the folder of the build for WebAssembly.
if [ -z "$LIBUV_NATIVE" ]; then
  export LIBUV_NATIVE=$1 UV_RUN_AS_ROOT=1 UV_TEST_TIMEOUT_MULTIPLIER=${UV_TEST_TIMEOUT_MULTIPLIER:-4}
  cd "$P" && exec -a "$0" "$LIBUV_NATIVE"
fi
if [ -n "$UV_TEST_RUNNER_FD" ]; then
  exec "$LIBUV_NATIVE" "$@"
fi
exec "$P/build/uv_run_tests_a" "$@"
