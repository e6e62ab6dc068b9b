#!/bin/sh
# find-toolchain.sh OUT KEY - finds the Emscripten that emsdk.config asks for and
# writes where its programs and libraries are into OUT, one `NAME = value` per
# line. The Makefile includes the file and aiocc reads it, so that neither has to
# start emcc (a Python program) again.  KEY is what the result depends on; the
# Makefile reads it there before the next build.
#
# The order: an activated emsdk (EMSDK), an emcc on PATH, and .toolchain/, which
# is filled if the first two are missing or have another version. AIO_TOOLCHAIN
# names another folder instead of .toolchain/, filled by get-emscripten.sh. With
# FETCH=no nothing is downloaded (an installed aiocc downloads nothing).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/emsdk.config"
version=$EMSCRIPTEN_VERSION
out=$1
key=${2:-}

die() { echo "toolchain: $*" >&2; exit 1; }
step() { printf '  %-8s %s\n' "$1" "$2"; }
is_wanted() { # is_wanted EMCC: does it run, and is it of the wanted version?
  "$1" --version 2>/dev/null | head -n 1 | grep -q " $version\( \|-\|\$\)"
}

emcc=
if [ -n "${EMSDK:-}" ]; then
  if is_wanted "$EMSDK/upstream/emscripten/emcc"; then
    emcc=$EMSDK/upstream/emscripten/emcc
  else
    echo "toolchain: the emsdk in $EMSDK is not $version; looking further" >&2
  fi
fi
if [ -z "$emcc" ] && command -v emcc >/dev/null && is_wanted emcc; then
  emcc=$(command -v emcc)
fi
if [ -n "$emcc" ]; then
  # Debian and emsdk have em-config and embuilder in the folder of emcc.
  em=$(dirname "$emcc")
  bin=$("$em/em-config" LLVM_ROOT)
  binaryen=$("$em/em-config" BINARYEN_ROOT)/bin
  cache=$("$em/em-config" CACHE)
  # A new emsdk has no libraries for threads yet; Debian's packages do.
  libs=$cache/sysroot/lib/wasm32-emscripten
  for lib in libc-ww.a libdlmalloc-ww.a libcompiler_rt-ww.a \
    libstandalonewasm-nocatch-memgrow.a libstubs.a libbulkmemory.a crt1_reactor.o \
    libc++-ww-noexcept.a libc++abi-ww-noexcept.a; do
    [ -f "$libs/$lib" ] && continue
    step BUILD "Emscripten's libraries (once)"
    log=$(dirname "$out")/embuilder.log
    "$em/embuilder" build libc-ww libdlmalloc-ww libcompiler_rt-ww \
      libstandalonewasm-nocatch-memgrow libstubs libbulkmemory crt1_reactor libc++-ww-noexcept libc++abi-ww-noexcept > "$log" 2>&1 ||
      die "embuilder cannot build Emscripten's libraries: see $log (is $cache writable?)"
    break
  done
else
  dir=${AIO_TOOLCHAIN:-$top/.toolchain}
  if [ "$(cat "$dir/.version" 2>/dev/null)" != "$version" ]; then
    [ "${FETCH:-yes}" = yes ] ||
      die "Emscripten $version is not here${AIO_TOOLCHAIN:+ (nor in $AIO_TOOLCHAIN)}: activate an emsdk of that version (the commands are in $top/emsdk.config), put its emcc on PATH, or run $top/wasm/toolchain/get-emscripten.sh DIR (Debian) and set AIO_TOOLCHAIN=DIR"
    step FETCH "Emscripten $version"
    "$(dirname "$0")/get-emscripten.sh" "$dir"
  fi
  em=$dir/bin
  bin=$dir/bin
  binaryen=$dir/bin
  cache=$dir/cache
fi

{
  echo "# Written by wasm/toolchain/find-toolchain.sh; see emsdk.config."
  echo "TOOLCHAIN_KEY = $key"
  echo "EM_VERSION = $version"
  echo "EM_CC = $em/emcc"
  echo "EM_CLANG = $bin/clang"
  echo "EM_AR = $bin/llvm-ar"
  echo "EM_NM = $bin/llvm-nm"
  echo "EM_LD = $bin/wasm-ld"
  echo "EM_OPT = $binaryen/wasm-opt"
  echo "EM_MERGE = $binaryen/wasm-merge"
  echo "EM_DIS = $binaryen/wasm-dis"
  echo "EM_SYSROOT = $cache/sysroot"
} > "$out.new"
for name in EM_CLANG EM_AR EM_LD EM_OPT EM_MERGE EM_SYSROOT; do
  path=$(sed -n "s/^$name = //p" "$out.new")
  [ -e "$path" ] || die "Emscripten $version has no $path: reinstall it, or unset EMSDK and take emcc off PATH to let make fetch its own"
done
mv "$out.new" "$out"
