#!/bin/sh
# host.sh node|cc|npm [DIR]|chromium|firefox|webkit|spin|glib|compilers - checks that this machine has what the
# build (or a test) needs.  What is missing and in Debian is installed if that is
# possible (root, apt-get); otherwise one sentence says what to type.
set -eu

die() { echo "wasm-aio: $*" >&2; exit 1; }
step() { printf '  %-8s %s\n' "$1" "$2"; }
have() { command -v "$1" >/dev/null 2>&1; }

# install PACKAGE...: true if they are installed now; otherwise $why says why not
install() {
  if ! have apt-get; then
    why="this system has no apt-get to install it with"
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    why="type: sudo apt-get install $*"
    return 1
  fi
  step APT "$*"
  log=$(mktemp)
  mkdir -p build
  # One at a time, because apt-get update does not wait for another one.
  if (have flock && flock 9; apt-get update && DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@") \
      9> build/apt.lock > "$log" 2>&1 < /dev/null; then
    rm -f "$log"
    return 0
  fi
  why="apt-get install $* failed: $(sed -n 's/^E: *//p' "$log" |
    sed 's|[a-z]*://[^ ]*||g; s/  */ /g' | head -n 1)"
  rm -f "$log"
  return 1
}

case $1 in
node)
  have node || die "node is missing: install Node.js 20 or later and start again"
  version=$(node -p 'process.versions.node')
  [ "${version%%.*}" -ge 20 ] ||
    die "Node.js 20 or later is needed and $(command -v node) is $version: install a later one, or put it first on PATH"
  have npm || die "npm is missing beside $(command -v node): install it (Debian's package npm, or a Node.js that has it) and start again"
  ;;
cc)
  # A compiler often lacks the headers of the C library, so try it.
  cc=${CC:-cc}
  works() { echo '#include <stdio.h>
int main(void) { return 0; }' | "$cc" -x c - -o "$tmp" >/dev/null 2>&1; }
  tmp=$(mktemp)
  trap 'rm -f "$tmp"' EXIT
  if ! have "$cc" || ! have ar || ! works; then
    [ "$cc" = cc ] || die "$cc cannot build a C program: install it, or leave CC out to use cc"
    install gcc libc6-dev ||
      die "a C compiler is missing for the native build ($why)"
    works || die "cc cannot build a C program: install gcc and libc6-dev"
  fi
  ;;
npm)
  mkdir -p build
  if ! (cd "${2:-.}" && npm ci --ignore-scripts --loglevel=error) > build/npm.log 2>&1; then
    why=$(sed -n 's/^npm error code //p' build/npm.log | head -n 1)
    case $why in
      EUSAGE) die "package.json and package-lock.json${2:+ of $2} do not agree: run npm install once" ;;
      *) die "npm ci failed (${why:-no reason given}; see build/npm.log): check the network and npm's registry setting, and start again" ;;
    esac
  fi
  ;;
chromium)
  for name in chromium chromium-browser google-chrome; do
    have $name && exit 0
  done
  install chromium ||
    echo "wasm-aio: the browser test will be skipped, chromium is missing ($why)" >&2
  ;;
firefox)
  have firefox-esr || have firefox || install firefox-esr ||
    echo "wasm-aio: nothing will run in Firefox, it is missing ($why)" >&2
  ;;
webkit)
  # The package of its driver contains the browser, which needs an X server.
  { ls /usr/lib/*/webkit2gtk-4.*/MiniBrowser >/dev/null 2>&1 && have xvfb-run; } || install webkit2gtk-driver xvfb xauth ||
    echo "wasm-aio: nothing will run in WebKitGTK, it is missing ($why)" >&2
  ;;
spin)
  have spin || install spin ||
    echo "wasm-aio: the models will not be checked, spin is missing ($why)" >&2
  ;;
glib)
  { have pkg-config && pkg-config --exists glib-2.0; } || install libglib2.0-dev ||
    echo "wasm-aio: the test of a program with GLib will be skipped, libglib2.0-dev is missing ($why)" >&2
  ;;
compilers)
  # Writes build/compilers.mk: the builds of the C tests besides the native one, each named
  # after its kind and compiler (tsan-gcc), the builds that had to be left out, and the
  # commands of the compilers. With $CC_ALL each sanitizer is built with both compilers;
  # otherwise the other compiler replaces one that cannot be used.
  cc=${CC:-cc} own=gcc other=clang why=
  if echo | "$cc" -dM -E -x c - | grep -q __clang__; then own=clang other=gcc; fi
  command_of() { if [ "$1" = $own ]; then echo "$cc"; else echo "$1"; fi; }
  dir=$(mktemp -d build/compilers.XXXXXX)
  trap 'rm -rf "$dir"' EXIT
  works() { # works BUILD: a program can be built that way, and it runs
    case $1 in
      asan-*) flag=-fsanitize=address,undefined ;;
      tsan-*) flag=-fsanitize=thread ;;
      *) flag=-O2 ;;
    esac
    echo 'int main(void) { return 0; }' |
      "$(command_of "${1#*-}")" $flag -x c - -o "$dir/program" >/dev/null 2>&1 && "$dir/program" >/dev/null 2>&1
  }
  case $other in
    gcc) works native-gcc || install gcc libc6-dev || : ;;
    # If there is no libclang-rt-dev, the package of clang contains the sanitizers.
    clang) works native-clang || install clang libclang-rt-dev || install clang || : ;;
  esac
  if works native-clang && ! works asan-clang; then install libclang-rt-dev || :; fi
  builds= missing=
  for build in native-$other tsan-gcc asan-clang ${CC_ALL:+tsan-clang asan-gcc}; do
    if works $build; then
      builds="$builds $build"
      continue
    fi
    missing="$missing $build"
    case $build in
      *-gcc) instead=${build%gcc}clang ;;
      *) instead=${build%clang}gcc ;;
    esac
    [ -n "${CC_ALL:-}" ] || [ $build = native-$other ] || ! works $instead || builds="$builds $instead"
  done
  why="a compiler is missing or incomplete${why:+ ($why)}"
  [ -z "$missing" ] || echo "wasm-aio: the C tests will not be run as$missing: $why" >&2
  printf '%s\n' "builds =$builds" "missing =$missing" "why = $why" \
    "CC_gcc = $(command_of gcc)" "CC_clang = $(command_of clang)" > "$dir/out"
  mv "$dir/out" build/compilers.mk
  ;;
esac
