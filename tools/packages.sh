#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Builds the Debian packages in clean roots and has them do their work there: installed beside Kea and dnsdist, every server as its
# Debian user with what of its unit can be enforced, a lease, a verdict, an upgrade under way, removal, purge, and nothing left.
#   tools/packages.sh [RELEASE...]        default: bookworm and trixie; forky is there too
#   tools/packages.sh --built [RELEASE]   with the packages that lie in build/deb (of this release), and without lintian
#   tools/packages.sh --build RELEASE     builds them in a clean root of that release into build/deb, and no more
# Roots are bootstrapped once, into NNOE_PACKAGES_DIR (default /var/tmp/nnoe-packages), and never written to by what is tested.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
tree=$PWD
roots=${NNOE_PACKAGES_DIR:-/var/tmp/nnoe-packages}
logs=$tree/build/packages
default="bookworm trixie"
known="$default forky"
# What an appliance has before NNOE comes, and what the test asks and looks with.
servers="kea-dhcp4-server kea-dhcp6-server dnsdist systemd apparmor"
tools="kea-admin bind9-dnsutils iproute2 procps python3 python3-seccomp ca-certificates"
. tools/roots.sh

# A root with these packages, made from that with none; made anew when the list has changed.
root_with() {
  local release=$1 stage=$2 base=$roots/$1/base root=$roots/$1/$2
  shift 2
  bootstrap "$release" "$base" || return 1
  [ "$(cat "$root/etc/nnoe-packages" 2>/dev/null)" != "$*" ] || return 0
  say "$release: installing into $root"
  rm -rf --one-file-system "$root"
  cp -a --reflink=auto "$base" "$root"
  share_network "$root"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # shellcheck disable=SC2016 # expanded inside
  inside "$root" bash -c 'export DEBIAN_FRONTEND=noninteractive; apt-get update -qq &&
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" && apt-get clean' - "$@" \
    >"$logs/$release-$stage.log" 2>&1 || { tail -10 "$logs/$release-$stage.log" >&2; return 1; }
  echo "$*" >"$root/etc/nnoe-packages"
}

# npm as npm has it, since Debian's brings 600 packages along, and Node.js too for a Debian whose own is too old.
node_for() {
  local release=$1 root=$2 opt=$2/opt/node-of-npm node=
  [ ! -x "$opt/bin/npm" ] || return 0
  [ "$release" != bookworm ] || node=node-linux-$(node -p process.arch)
  # shellcheck disable=SC2086 # one word or none
  npm install --silent --no-audit --no-fund --prefix "$opt/lib" npm@10 ${node:+$node@22} >&2 || return 1
  mkdir -p "$opt/bin"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$opt/bin/npm"
  if [ -n "$node" ]; then
    ln -sf "../lib/node_modules/$node/bin/node" "$opt/bin/node"
    ln -sf "lib/node_modules/$node/include" "$opt/include"
  else
    ln -sf /opt/node-of-npm/bin/npm "$root/usr/local/bin/npm"
  fi
}

build_in_root() {
  local release=$1 root=$roots/$1/build node="nodejs libnode-dev"
  [ "$release" != bookworm ] || node=
  # shellcheck disable=SC2046,SC2086 # lists of words
  root_with "$release" build $(tools/setup.sh --list deb) lintian ca-certificates $node || return 1
  node_for "$release" "$root" || return 1
  copy_tree "$root/srv/nnoe"
  say "$release: building (log: $logs/$release-deb.log)"
  inside "$root" bash -c 'cd /srv/nnoe && tools/deb.sh --here' >"$logs/$release-deb.log" 2>&1 || { tail -30 "$logs/$release-deb.log" >&2; return 1; }
  rm -rf "$out"
  mkdir -p "$(dirname "$out")"
  cp -r "$root/srv/nnoe/build/deb" "$out"
}

# Any error or warning is one; what is overridden says why beside it. A newer lintian may not know a tag that an older one has.
lintian_in_root() {
  local log=$logs/$1-lintian.log
  inside "$roots/$1/build" bash -c 'cd /srv/nnoe && lintian --allow-root --suppress-tags alien-tag --fail-on error,warning build/deb/*.deb' >"$log" 2>&1 &&
    echo "ok    lintian has no error and no warning" || { cat "$log"; echo "FAIL  lintian has no error and no warning"; }
}

# Where the flags of dpkg-buildflags got to the compiler, functions with arrays guard their stack; RELRO and immediate binding are the linker's.
hardened_in_root() {
  # shellcheck disable=SC2016 # expanded inside
  inside "$roots/$1/build" bash -c 'cd /srv/nnoe/build && for each in Release/nnoe_native.node kea-hook/libdhcp_etcd.so dnsdist-bridge/libnnoe_dnsdist.so; do
    readelf --wide --dyn-syms "$each" | grep -q __stack_chk_fail && readelf --dynamic "$each" | grep -q NOW && readelf --wide --segments "$each" | grep -q GNU_RELRO || exit 1
  done' && echo "ok    native code has Debian's hardening" || echo "FAIL  native code has Debian's hardening"
}

one() {
  local release=$1 log=$logs/$1.log start=$SECONDS status=0 out=$logs/$1-debs row
  [ -z "${built:-}" ] || out=$tree/build/deb
  # Where Debian's Node.js does, the package depends on it.
  local node=nodejs
  [ "$release" != bookworm ] || node=
  # shellcheck disable=SC2086 # lists of words
  root_with "$release" servers $servers $tools $node || return 1
  [ -n "${built:-}" ] || build_in_root "$release" || return 1
  say "$release: testing (log: $log)"
  { [ -n "${built:-}" ] || { lintian_in_root "$release"; hardened_in_root "$release"; }
    CLEAN=1 INSIDE="--net --uts --ipc" BINDS="$out:/srv/deb $tree/test/packages:/srv/test" \
      inside "$roots/$release/servers" /srv/test/inside.sh 2>&1; } | tee "$log" | grep -E '^(ok|FAIL|note) '
  grep -qx 'end' "$log" || { tail -20 "$log" >&2; status=1; }
  # shellcheck disable=SC2046 # words
  row=$(row_of "$release" $(sed -n 's/^versions //p' "$log"))
  echo "$row" >>"$logs/table"
  local what="the README has this release as it was tested"
  { grep -qxF "$row" README.md && echo "ok    $what" || echo "FAIL  $what"; } | tee -a "$log"
  grep -q '^FAIL' "$log" && status=1
  say "$release: $(grep -c '^ok ' "$log") passed, $(grep -c '^FAIL' "$log") failed, $((SECONDS - start)) s"
  return $status
}

# A row of the README's table: upstream versions of what was tested, and who tests it.
row_of() {
  local release=$1 kea=${2%-*} dnsdist=${3%-*} node="Debian's" by="\`make test-packages\`" name
  [[ "${4:-}" != *inside* ]] || node=inside
  case $release in
    bookworm) name=12 by="\`make test\`, $by" ;;
    trixie) name=13 ;;
    *) name=$release by="\`make matrix\`" ;;
  esac
  row "$name" "$kea" "$dnsdist" "$node" "$by"
}
row() { printf '| %-6s | %-5s | %-7s | %-8s | %-33s |\n' "$@"; }

main() {
  local status=0 release only=
  case ${1:-} in
    --built) built=1; shift ;;
    --build) only=1; shift ;;
  esac
  [ $# -gt 0 ] || set -- $default
  for release in "$@"; do
    [[ " $known " == *" $release "* ]] || { echo "tools/packages.sh: no release '$release'; there are: $known" >&2; exit 2; }
  done
  mkdir -p "$logs" "$roots"
  row Debian Kea dnsdist Node.js "tested by" >"$logs/table"
  for release in "$@"; do
    mkdir -p "$roots/$release"
    exec 9>"$roots/$release/.lock"
    flock -n 9 || die "another test of packages is at work in $roots/$release"
    if [ -n "$only" ]; then out=$tree/build/deb build_in_root "$release" && ls "$tree"/build/deb/*.deb; else one "$release"; fi || status=1
  done
  [ -n "$only" ] || cat "$logs/table"
  return $status
}

if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "roots need root: run as root, or install sudo"
  exec sudo --preserve-env=NNOE_PACKAGES_DIR,JOBS "$0" "$@"
fi
main "$@"
