#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Builds the tree and passes the native, daemon, scenario and stress tests (without sanitizers) inside newer Debian
# releases, for the Kea, dnsdist and etcd that they carry; and the packages' test of forky. Roots are bootstrapped once, into NNOE_MATRIX_DIR (default /var/tmp/nnoe-matrix), and kept.
#   tools/matrix.sh [RELEASE...]     default: trixie (Kea 2.6, dnsdist 1.9) and forky (Kea 3.0, dnsdist 2.1)
#   TESTS=regex                      which test files; default: those that start servers, the native ones, and the stores (not the count of
#                                    instructions: its baseline is of one compiler, and valgrind 3.27 of forky dies under it)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
roots=${NNOE_MATRIX_DIR:-/var/tmp/nnoe-matrix}
logs=$PWD/build/matrix
tests=${TESTS:-^(release/|src/host/store/|test/(daemons|scenarios|stress)/)(?!hook-sanitized|instructions)}
known="trixie forky"

. tools/roots.sh

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
  for release in "$@"; do
    one "$release" || status=1
    # Of older ones `make test-packages` tests the packages.
    [ "$release" != forky ] || tools/packages.sh forky || status=1
  done
  cat "$logs/table"
  return $status
}

if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || die "roots need root: run as root, or install sudo"
  exec sudo --preserve-env=NNOE_MATRIX_DIR,TESTS,JOBS "$0" "$@"
fi
main "$@"
