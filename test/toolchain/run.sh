#!/bin/sh
# make test-toolchain: builds a copy of this tree with each Emscripten of SUITES, Debian's suites, and with an activated emsdk (EMSDK), and
# runs the C tests, those of aiocc, and the programs that are compared with Linux.
#
#   ONLY=testing        this one alone
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$top/build/toolchains
. "$top/emsdk.config"
failed=

try() { # try NAME: with AIO_TOOLCHAIN or EMSDK as they are set
  tree=$work/$1.tree
  mkdir -p "$tree"
  (cd "$top" && git ls-files -co --exclude-standard -z | tar --null --ignore-failed-read -T - -cf - 2>/dev/null) | tar -xf - -C "$tree"
  # What was fetched is not fetched again.
  rm -rf "$tree/node_modules" && cp -a "$top/node_modules" "$tree/node_modules" && touch "$tree/node_modules/.stamp"
  (
    # `set -e` has no effect on the left of ||.
    cd "$tree" && make build build/wasm/tests.wasm || exit
    printf '  %-8s %s\n' USING "Emscripten $(sed -n 's/^EM_VERSION = //p' build/toolchain.mk)"
    node test/run.mjs c-wasm aiocc
    suites=$?
    make test-posix && exit $suites
  ) || failed="$failed $1"
}

for suite in ${ONLY:-$DEBIAN_SUITE testing ${EMSDK:+emsdk}}; do
  printf '\n%s\n' "$suite"
  if [ "$suite" = emsdk ]; then
    unset AIO_TOOLCHAIN
    try emsdk
    continue
  fi
  dir=$work/$suite
  [ -f "$dir/.version" ] || "$top/wasm/toolchain/get-emscripten.sh" "$dir" "$suite" || { failed="$failed $suite"; continue; }
  export AIO_TOOLCHAIN="$dir"
  try "$suite"
done
[ -z "$failed" ] || { echo "failed with:$failed" >&2; exit 1; }
