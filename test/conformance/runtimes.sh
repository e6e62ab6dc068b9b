#!/bin/sh
# runtimes.sh - installs the runtimes that test/conformance/run.mjs runs cases on.
# Node, Deno and Bun come from npm, each into a folder of its own under .runtimes/
# (or $AIO_RUNTIMES); Firefox, WebKitGTK, Chromium and an X server for WebKitGTK come from
# Debian.  What is there already is left alone.  What cannot be had is told in a
# sentence, and the cases are skipped on it.
set -eu

dir=${AIO_RUNTIMES:-.runtimes}
say() { echo "wasm-aio: $*" >&2; }

case $(uname -m) in
x86_64) cpu=x64 ;;
aarch64) cpu=arm64 ;;
*) say "npm has no Node, Deno and Bun for $(uname -m)"; cpu= ;;
esac

# npm PACKAGE VERSION NAME PROGRAM: the program becomes $dir/bin/NAME
npm_program() {
  [ -x "$dir/bin/$3" ] && return
  printf '  %-8s %s\n' NPM "$1@$2"
  mkdir -p "$dir/$3" "$dir/bin"
  if npm install --prefix "$dir/$3" --ignore-scripts --no-save --no-audit --no-fund --loglevel=error \
      "$1@$2" > "$dir/npm.log" 2>&1 && [ -x "$dir/$3/node_modules/$1/$4" ]; then
    ln -s "../$3/node_modules/$1/$4" "$dir/bin/$3"
  else
    say "$3 is left out: npm install $1@$2 failed ($(sed -n 's/^npm error //p' "$dir/npm.log" | head -n 1))"
  fi
}

if [ -n "$cpu" ]; then
  for version in 20 22 24 26; do
    npm_program "node-linux-$cpu" "$version" "node$version" bin/node
  done
  npm_program "@deno/linux-$cpu-glibc" 2 deno deno
  case $cpu in x64) bun=bun-linux-x64 ;; *) bun=bun-linux-aarch64 ;; esac
  npm_program "@oven/$bun" 1 bun bin/bun
fi

for browser in chromium firefox webkit; do
  wasm/toolchain/host.sh $browser
done
