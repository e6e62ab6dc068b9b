#!/bin/sh
# find-toolchain.sh OUT KEY - finds an Emscripten and writes where its programs and
# libraries are into OUT, one `NAME = value` per line. The Makefile includes the file
# and aiocc reads it, so that neither has to start emcc (a Python program) again. KEY
# is what the result depends on; the Makefile reads it there before the next build.
#
# The order: an activated emsdk (EMSDK), an emcc on PATH, and .toolchain/, which is
# filled with the version that emsdk.config names if the first two are missing or
# older than that. AIO_TOOLCHAIN names another folder, filled by get-emscripten.sh,
# that is used before all others. With FETCH=no nothing is downloaded (an installed
# aiocc downloads nothing).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/emsdk.config"
version=$EMSCRIPTEN_VERSION
out=$1
key=${2:-}

die() { echo "toolchain: $*" >&2; exit 1; }
step() { printf '  %-8s %s\n' "$1" "$2"; }
version_of() { "$1" --version 2>/dev/null | sed -n '1s/.* \([0-9][0-9.]*[0-9]\).*/\1/p'; }
is_usable() { # is_usable EMCC: does it run, and is it not too old?
  found=$(version_of "$1")
  [ -n "$found" ] && [ "$(printf '%s\n%s\n' "$version" "$found" | sort -V | head -n 1)" = "$version" ]
}

emcc=
dir=${AIO_TOOLCHAIN:-$top/.toolchain}
if [ -n "${AIO_TOOLCHAIN:-}" ] && [ -f "$dir/.version" ]; then
  :
elif [ -n "${EMSDK:-}" ] && is_usable "$EMSDK/upstream/emscripten/emcc"; then
  emcc=$EMSDK/upstream/emscripten/emcc
elif command -v emcc >/dev/null && is_usable emcc; then
  emcc=$(command -v emcc)
elif [ -n "${EMSDK:-}" ]; then
  echo "toolchain: the emsdk in $EMSDK has no Emscripten of $version or later; looking further" >&2
fi
if [ -n "$emcc" ]; then
  # Debian and emsdk have em-config and embuilder in the folder of emcc.
  em=$(dirname "$emcc")
  bin=$("$em/em-config" LLVM_ROOT)
  binaryen=$("$em/em-config" BINARYEN_ROOT)/bin
  cache=$("$em/em-config" CACHE)
else
  if [ ! -f "$dir/.version" ] || { [ -z "${AIO_TOOLCHAIN:-}" ] && [ "$(cat "$dir/.version")" != "$version" ]; }; then
    [ "${FETCH:-yes}" = yes ] ||
      die "Emscripten $version or later is not here${AIO_TOOLCHAIN:+ (nor in $AIO_TOOLCHAIN)}: activate an emsdk (the commands are in $top/emsdk.config), put its emcc on PATH, or run $top/wasm/toolchain/get-emscripten.sh DIR (Debian) and set AIO_TOOLCHAIN=DIR"
    step FETCH "Emscripten $version"
    "$(dirname "$0")/get-emscripten.sh" "$dir"
  fi
  found=$(cat "$dir/.version")
  em=$dir/bin
  bin=$dir/bin
  binaryen=$dir/bin
  cache=$dir/cache
fi

# The libraries that a program is linked with, in the linker's order. Some have other names in other versions
# (a/b: the first of these that there is), or are part of another one (a/: may be missing).
roles='libbulkmemory/ libstandalonewasm-ww-nocatch-memgrow/libstandalonewasm-nocatch-memgrow libstubs libdlmalloc-ww libc-ww
  libclang_rt.builtins-ww/libcompiler_rt-ww crt1_reactor libc++-ww-noexcept libc++abi-ww-noexcept'
libs=$cache/sysroot/lib/wasm32-emscripten
there() { [ -f "$libs/$1.a" ] || [ -f "$libs/$1.o" ]; }
known= missing= chosen=
for role in $roles; do
  name=
  for candidate in $(echo "$role" | tr / ' '); do
    if [ -z "$name" ] && there "$candidate"; then name=$candidate; fi
  done
  if [ -z "$name" ]; then
    # A new emsdk has no libraries for threads yet; Debian's packages of 3.1.69 do.
    [ -n "$known" ] || known=$("$em/embuilder" --help 2>/dev/null | tr -s ' \t,' '\n')
    for candidate in $(echo "$role" | tr / ' '); do
      if [ -z "$name" ] && echo "$known" | grep -qx "$candidate"; then name=$candidate; fi
    done
    if [ -z "$name" ]; then
      case $role in */) continue ;; esac
      die "Emscripten $found has no library $role: is embuilder there, and Python?"
    fi
    missing="$missing $name"
  fi
  case $name in crt1*|libc++*) ;; *) chosen="$chosen -l${name#lib}" ;; esac
done
build() { # build LIBRARY...
  step BUILD "Emscripten's libraries (once)"
  log=$(dirname "$out")/embuilder.log
  mkdir -p "$(dirname "$log")"
  "$em/embuilder" build "$@" > "$log" 2>&1 ||
    die "embuilder cannot build Emscripten's libraries: see $log (is $cache writable?)"
}
# shellcheck disable=SC2086
[ -z "$missing" ] || build $missing
# Newer versions have the attributes of pthreads and the threads of C11 in the libc for pthreads alone. The rest of that
# is replaced by wasm/libc, and must not be found: its files refer to JavaScript.
if ! grep -q pthread_attr_init "$libs/libc-ww.a"; then
  there libc-mt || build libc-mt
  if ! there libaio-threads; then
    parts=$(mktemp -d)
    members=$("$bin/llvm-ar" t "$libs/libc-mt.a" |
      grep -E '^(pthread_.*attr_.*|pthread_attr_get|pthread_(equal|testcancel|setcancel.*|[gs]etconcurrency|mutex_consistent)|(cnd|mtx|thrd)_.*|call_once|default_attr)\.o$')
    # shellcheck disable=SC2086
    (cd "$parts" && "$bin/llvm-ar" x "$libs/libc-mt.a" $members && "$bin/llvm-ar" rcs new.a $members && mv new.a "$libs/libaio-threads.a") ||
      die "the parts of $libs/libc-mt.a cannot be joined: is it writable?"
    rm -r "$parts"
  fi
  chosen="$chosen -laio-threads"
fi

{
  echo "# Written by wasm/toolchain/find-toolchain.sh; see emsdk.config."
  echo "TOOLCHAIN_KEY = $key"
  echo "EM_VERSION = $found"
  echo "EM_CC = $em/emcc"
  echo "EM_CLANG = $bin/clang"
  echo "EM_AR = $bin/llvm-ar"
  echo "EM_NM = $bin/llvm-nm"
  echo "EM_LD = $bin/wasm-ld"
  echo "EM_OPT = $binaryen/wasm-opt"
  echo "EM_MERGE = $binaryen/wasm-merge"
  echo "EM_DIS = $binaryen/wasm-dis"
  echo "EM_SYSROOT = $cache/sysroot"
  echo "EM_LIBRARIES =$chosen"
} > "$out.new"
for name in EM_CLANG EM_AR EM_LD EM_OPT EM_MERGE EM_SYSROOT; do
  path=$(sed -n "s/^$name = //p" "$out.new")
  [ -e "$path" ] || die "Emscripten $found has no $path: reinstall it, or unset EMSDK and take emcc off PATH to let make fetch its own"
done
mv "$out.new" "$out"
