#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Builds the tree and passes the native, daemon, scenario and stress tests (without sanitizers) inside newer Debian
# releases, for the Kea, dnsdist and etcd that they carry. Roots are bootstrapped once, into NNOE_MATRIX_DIR (default /var/tmp/nnoe-matrix), and kept.
#   tools/matrix.sh [RELEASE...]     default: trixie (Kea 2.6, dnsdist 1.9) and forky (Kea 3.0, dnsdist 2.1)
#   TESTS=regex                      which test files; default: those that start servers, the native ones, and the stores (not the count of
#                                    instructions: its baseline is of one compiler, and valgrind 3.27 of forky dies under it)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
roots=${NNOE_MATRIX_DIR:-/var/tmp/nnoe-matrix}
logs=$PWD/build/matrix
tests=${TESTS:-^(release/|src/host/store/|test/(daemons|scenarios|stress)/)(?!hook-sanitized|instructions)}
known="trixie forky"

say() { echo "matrix: $*" >&2; }
die() { say "$*"; exit 1; }

# Where this machine gets Debian from, so that a mirror or a snapshot is used for the roots too.
mirror() {
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian \(.*\)$/\1/p' | grep -v security | sed -n 1p | grep .
}

bootstrap() {
  local release=$1 root=$2 script=/usr/share/debootstrap/scripts/$1
  # debootstrap keeps a directory of its own in a root until it is complete.
  [ -x "$root/usr/bin/apt-get" ] && [ ! -d "$root/debootstrap" ] && return
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  say "$release: bootstrapping into $root"
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  local archive
  archive=$(mirror) || die "apt names no Debian archive to take the roots from: see apt-get indextargets"
  debootstrap --variant=minbase "$release" "$root" "$archive" "$script" >"$logs/$release-bootstrap.log" 2>&1 ||
    { tail -5 "$logs/$release-bootstrap.log" >&2; return 1; }
}

# What the machine knows about reaching the network, for apt and npm inside.
share_network() {
  local root=$1 bundle=/etc/ssl/certs/ca-certificates.crt
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  apt-config dump | grep -E '^Acquire::(http|https|Check-|Max-ValidTime|Retries)' >"$root/etc/apt/apt.conf.d/90nnoe" || true
  [ ! -e "$bundle" ] || { mkdir -p "$root/etc/ssl/certs" && cp -L "$bundle" "$root/etc/ssl/nnoe-host.crt"; }
}

# The tree as it stands here, committed or not; what was built inside before stays, so that a second time is quick. Files
# that differ get the time of the copy: with their own, make could take what was built from another version for newer.
copy_tree() {
  local target=$1 file
  local -A wanted=()
  mkdir -p "$target"
  while IFS= read -r -d '' file; do
    [ -e "$file" ] || continue
    wanted[$file]=1
    cmp -s "$file" "$target/$file" && continue
    mkdir -p "$target/$(dirname "$file")"
    cp --no-preserve=timestamps "$file" "$target/$file"
  done < <(git -c safe.directory='*' ls-files -z -co --exclude-standard)
  while IFS= read -r -d '' file; do
    [ -n "${wanted[$file]:-}" ] || rm "$target/$file"
  done < <(cd "$target" && find . -mindepth 1 \( -path ./node_modules -o -path ./build -o -path ./dist \) -prune -o -type f -printf '%P\0')
}

# Runs in mount and process namespaces of its own: whatever happens, nothing stays mounted or running.
inside() {
  local root=$1
  shift
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --pid --fork --kill-child --propagation private bash -c '
    set -e
    root=$1; shift
    mount --rbind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    mount --rbind /dev "$root/dev"
    cd "$root"
    pivot_root . .   # not chroot: / stays a mount, and tests may make namespaces
    umount -l .
    cd /
    exec "$@"' - "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 JOBS="${JOBS:-$(nproc)}" FILTER="$tests" \
    $([ ! -e "$root/etc/ssl/nnoe-host.crt" ] || printf '%s=/etc/ssl/nnoe-host.crt ' NODE_EXTRA_CA_CERTS npm_config_cafile) \
    npm_config_registry="$(npm config get registry 2>/dev/null)" "$@"
}

one() {
  local release=$1 root=$roots/$1 log=$logs/$1.log start=$SECONDS kea dnsdist etcd result status=0
  bootstrap "$release" "$root" || { row "$release" - - - "no root"; return 1; }
  share_network "$root"
  copy_tree "$root/srv/nnoe"
  say "$release: installing, building, testing (log: $log)"
  inside "$root" bash -c 'cd /srv/nnoe && { dpkg-query -W npm >/dev/null 2>&1 || apt-get update -qq; } &&
    tools/setup.sh node build && make --no-print-directory SANITIZERS= test' >"$log" 2>&1 || status=$?
  kea=$(installed "$root" kea-dhcp4-server)
  dnsdist=$(installed "$root" dnsdist)
  etcd=$(installed "$root" etcd-server)
  result=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -1)
  if [ $status != 0 ]; then
    grep -A30 '^FAIL' "$log" | head -60 >&2 || true
    [ -n "$result" ] || tail -20 "$log" >&2
  fi
  row "$release" "$kea" "$dnsdist" "$etcd" "${result:-did not get as far as the tests}, $(((SECONDS - start) / 60)) min"
  return $status
}

# The version of a package in a root, or a dash.
installed() { inside "$1" dpkg-query -W -f '${Version}' "$2" 2>/dev/null || echo -; }

row() { printf '%-8s  %-18s  %-16s  %-12s  %s\n' "$@" >>"$logs/table"; }

main() {
  local release status=0
  [ $# -gt 0 ] || set -- $known
  for release in "$@"; do
    [[ " $known " == *" $release "* ]] || { echo "tools/matrix.sh: no release '$release'; there are: $known" >&2; exit 2; }
  done
  mkdir -p "$logs" "$roots"
  exec 9>"$roots/.lock"
  flock -n 9 || die "another matrix is at work in $roots"
  : >"$logs/table"
  row release Kea dnsdist etcd result
  for release in "$@"; do one "$release" || status=1; done
  cat "$logs/table"
  return $status
}

if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "roots need root: run as root, or install sudo"
  exec sudo --preserve-env=NNOE_MATRIX_DIR,TESTS,JOBS "$0" "$@"
fi
main "$@"
