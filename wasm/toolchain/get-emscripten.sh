#!/bin/sh
# get-emscripten.sh DIR [SUITE [VERSION]] - unpacks Emscripten into DIR, from Debian's
# archive only: the version that emsdk.config names, or that of another suite of Debian.  Needs apt-get and dpkg-deb on an x86-64 or
# arm64 machine, but not root; writes nothing outside DIR.
#
# The packages come from a newer Debian than the host's, so every program is
# started through the C library that was unpacked with it (see tool() below).
set -eu
. "$(dirname "$0")/../../emsdk.config"
suite=${2:-$DEBIAN_SUITE}
version=${3:-}
[ $# -gt 1 ] || version=$EMSCRIPTEN_VERSION

other="activate an emsdk (the commands are in emsdk.config) and start again"
die() { echo "get-emscripten: $*" >&2; exit 1; }

[ $# -ge 1 ] || die "usage: $0 DIR [SUITE [VERSION]]"
for need in apt-get apt-cache dpkg-deb tar; do
  command -v $need >/dev/null ||
    die "Emscripten${version:+ $version} is fetched with Debian's $need, which is not here: $other"
done
mkdir -p "$1" || die "cannot make the directory $1"
dir=$(cd "$1" && pwd)
free=$(df -Pk "$dir" | awk 'NR == 2 { print int($4 / 1024) }')
[ "$free" -ge 1200 ] ||
  die "$dir has $free MiB left and Emscripten takes 1200 MiB while it is unpacked: make room and start again"

# The mirror that this machine uses, unless another one is given.
mirror=${DEBIAN_MIRROR:-$(apt-get --print-uris update 2>/dev/null |
  sed -n "s|^'\(.*/debian\)/*/dists/.*|\1|p" | sort -u | head -n 1)}
[ -n "$mirror" ] ||
  die "apt knows no Debian mirror: set DEBIAN_MIRROR to one, or $other"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f $keys ] ||
  die "Debian's signing keys are missing: install the package debian-archive-keyring, or $other"

# .version is written last: without it, the rest is incomplete.
rm -rf "$dir/.version" "$dir/bin" "$dir/etc" "$dir/lib" "$dir/usr" "$dir/cache" "$dir/apt"

# --- download: apt with its whole state inside DIR, signatures checked -------
apt=$dir/apt
log=$apt/log
mkdir -p "$apt/lists/partial" "$apt/debs"
: > "$apt/status"
echo "deb [signed-by=$keys] $mirror $suite main" > "$apt/sources.list"
cat > "$apt/apt.conf" <<EOF
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
APT::Sandbox::User "root";
EOF
export APT_CONFIG="$apt/apt.conf"
why() { # the first thing that apt complained of, without the address
  sed -n 's/^[EW]: *//p' "$log" | sed 's|[a-z]*://[^ ]*||g; s/  */ /g' | head -n 1
}
apt-get update -qq -o APT::Update::Error-Mode=any > "$log" 2>&1 ||
  die "Debian's package lists cannot be read ($(why)): check the network, or $other"
found=$(apt-cache show emscripten 2>/dev/null | sed -n 's/^Version: \([0-9.]*[0-9]\).*/\1/p' | head -n 1)
[ -n "$found" ] && [ "$found" = "${version:-$found}" ] ||
  die "Debian $suite has no Emscripten${version:+ $version}${found:+ (but $found)}: $other"
version=$found

# the version of its compiler, and the name of libxml2, from the packages
depends() { apt-cache show "$1" | sed -n '/^Depends: /{p;q;}' | tr ',' '\n'; }
llvm=$(depends emscripten | sed -n 's/.*clang-\([0-9]*\).*/\1/p' | head -n 1)
xml=$(depends "libllvm$llvm" | sed -n 's/.*\(libxml2[^ ]*\).*/\1/p' | head -n 1)
(cd "$apt/debs" && apt-get download -qq \
  emscripten binaryen node-acorn node-xtend \
  "clang-$llvm" "lld-$llvm" "llvm-$llvm" "libclang-common-$llvm-dev" \
  "libllvm$llvm" "libclang-cpp$llvm" \
  libc6 libgcc-s1 libstdc++6 zlib1g libzstd1 liblzma5 libedit2 libbsd0 libmd0 \
  libtinfo6 libffi8 libz3-4 "$xml") > "$log" 2>&1 ||
  die "a package of Emscripten cannot be downloaded ($(why)): check the network and start again"

# --- unpack what a C build needs, two packages at a time ---------------------
export dir
find "$apt/debs" -name '*.deb' | xargs -n 1 -P 2 sh -c '
  dpkg-deb --fsys-tarfile "$0" | tar -xf - -C "$dir" \
    --exclude=wasm32-emscripten/lto --exclude=wasm32-emscripten/lto-pic \
    --exclude=wasm32-emscripten/pic --exclude="lib*[aul]san*.a" \
    --exclude="libubsan*.a" --exclude="libsanitizer*.a" --exclude="libc-*asan*.a" \
    --exclude=./usr/share/emscripten/test --exclude=./usr/share/doc \
    --exclude=./usr/share/man --exclude=llvm-exegesis --exclude=llvm-tblgen' \
  > "$log" 2>&1 ||
  die "a package of Emscripten cannot be unpacked ($(tail -n 1 "$log")): start again"

# --- start each program through the C library of its own Debian --------------
# The wrappers use paths relative to themselves, so DIR may be moved.
mkdir "$dir/bin"
cd "$dir"
libc=$(echo usr/lib/*/libc.so.6)
lib=${libc%/*}
ld=$(echo "$lib"/ld-linux-*.so.*)
tool() { # tool NAME FILE: make bin/NAME, which starts FILE
  {
    echo '#!/bin/sh'
    echo 'd=$(cd "${0%/*}/.." && pwd)'
    case $1 in clang*) # is to find itself by this name, not /proc/self/exe
      echo 'case $1 in -cc1*) ;; *) set -- "$@" -no-canonical-prefixes ;; esac'
    esac
    echo "exec \"\$d/$ld\" --library-path \"\$d/$lib:\$d/usr/lib/llvm-$llvm/lib:\$d/usr/lib\"" \
      "--argv0 \"\$d/bin/$1\" \"\$d/$2\" \"\$@\""
  } > "bin/$1"
  chmod +x "bin/$1"
}
for file in usr/lib/llvm-"$llvm"/bin/clang usr/lib/llvm-"$llvm"/bin/clang++ \
  usr/lib/llvm-"$llvm"/bin/wasm-ld usr/lib/llvm-"$llvm"/bin/llvm-* usr/bin/wasm-*; do
  case $file in *-"$llvm") ;; *) tool "${file##*/}" "$file" ;; esac
done
ln -s "usr/lib/llvm-$llvm/lib" lib   # clang looks for bin/../lib/clang
for name in emcc em++ emar emranlib embuilder em-config; do
  printf '#!/bin/sh\nexec "${0%%/*}/../usr/share/emscripten/%s" "$@"\n' $name > bin/$name
  chmod +x bin/$name
done

# --- Emscripten's own settings (emcc itself also needs python3) --------------
em=usr/share/emscripten
ln -sfn ../nodejs $em/node_modules
cat > $em/.emscripten <<'EOF'
import os
_top = os.path.abspath(os.path.dirname(os.environ['EM_CONFIG']) + '/../../..')
LLVM_ROOT = _top + '/bin'
BINARYEN_ROOT = _top
NODE_JS = 'node'
CACHE = _top + '/cache'
EOF
[ ! -d $em/cache ] || mv $em/cache cache

for name in clang wasm-ld wasm-opt llvm-ar; do
  bin/$name --version > "$log" 2>&1 ||
    die "the unpacked $name does not run here ($(tail -n 1 "$log")): $other"
done
rm -rf "$apt"
echo "$version" > .version
