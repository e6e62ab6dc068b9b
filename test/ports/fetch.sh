#!/bin/sh
# fetch.sh DIR PACKAGE... - downloads the upstream sources of Debian packages into DIR and unpacks each into DIR/PACKAGE,
# without Debian's patches. apt's state is in DIR, and nothing outside is written.
set -eu
dir=$1; shift
keys=/usr/share/keyrings/debian-archive-keyring.gpg
die() { echo "test-ports: $*" >&2; exit 1; }
command -v apt-get >/dev/null && [ -f $keys ] || die "the sources come from Debian: apt-get or its keys are missing"
mirror=${DEBIAN_MIRROR:-$(apt-get --print-uris update 2>/dev/null | sed -n "s|^'\(.*/debian\)/*/dists/.*|\1|p" | sort -u | head -n 1)}
[ -n "$mirror" ] || die "apt knows no Debian mirror: set DEBIAN_MIRROR to one"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial"
cd "$dir/apt"
: > status
for suite in bookworm trixie testing; do echo "deb-src [signed-by=$keys] $mirror $suite main"; done > sources.list
cat > apt.conf <<EOF
Dir::State "$PWD";
Dir::State::status "$PWD/status";
Dir::State::lists "$PWD/lists";
Dir::Cache "$PWD";
Dir::Etc::sourcelist "$PWD/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
EOF
export APT_CONFIG="$PWD/apt.conf"
[ -f updated ] || { apt-get update -qq && touch updated; } || die "Debian's lists of sources cannot be read: check the network"
for package; do
  name=${package%%/*}
  [ -d "$dir/$name" ] && continue
  rm -rf "$name" && mkdir "$name"
  # Of the suites that are asked for, the first that the mirror still has.
  for suite in $(echo "${package#*/}" | tr , ' '); do
    (cd "$name" && apt-get source -qq --download-only "$name/$suite") > log 2>&1 && break
  done
  source=$(ls "$name"/*.orig.tar.* 2>/dev/null | grep -v '\.asc$' | head -n 1)
  [ -n "$source" ] || die "$name cannot be downloaded ($(sed -n 's/^E: *//p' log | sed 's|[a-z]*://[^ ]*||g' | head -n 1))"
  rm -rf "../$name.new" && mkdir "../$name.new"
  tar -C "../$name.new" --strip-components=1 -xf "$source"
  mv "../$name.new" "../$name"
done
