#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Builds the Debian packages of this tree into build/deb: here, where what they need to be built is installed, else in a clean root
# of the same Debian release (as root; see tools/packages.sh). --here: never in a root.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/deb

if ! missing=$(dpkg-checkbuilddeps 2>&1); then
  [ "${1:-}" != --here ] || { echo "$missing" >&2; exit 1; }
  exec tools/packages.sh --build "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")"
fi
rm -rf "$out" && mkdir -p "$out"
root=()
[ "$(id -u)" = 0 ] || root=(fakeroot)
log=build/deb.log
# Not dpkg-buildpackage, which puts what it makes beside the tree.
if ! { debian/rules build && NNOE_DEB_DIRECTORY=$out "${root[@]}" debian/rules binary; } >"$log" 2>&1; then
  tail -30 "$log" >&2
  echo "deb: the build failed; all of it is in $log" >&2
  exit 1
fi
"${root[@]}" debian/rules clean-staging >>"$log" 2>&1
ls "$out"/*.deb
