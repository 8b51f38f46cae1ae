#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Inside a clean root with Kea and dnsdist (tools/packages.sh): NNOE's packages are installed, used, upgraded, removed and purged.
# Prints a line for each thing that was looked at, `ok` or `FAIL`, `note` for what is worth knowing, and `end`.
set -uo pipefail
here=$(dirname "$0")
export DEBIAN_FRONTEND=noninteractive

note() { echo "note  $*"; }
# shellcheck disable=SC2317 # called by name
ok() {
  local what=$1 out
  shift
  if out=$("$@" 2>&1); then echo "ok    $what"; else printf '%s\n' "$out" | tail -25; echo "FAIL  $what"; fi
}
until_true() {
  local left=$1
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ $left -gt 0 ] || { "$@"; return 1; }
    sleep 0.2
  done
}
# Whether this command fails, having said that.
refused() { local words=$1 out; shift; out=$("$@" 2>&1) && { echo "$out"; return 1; }; grep -qF "$words" <<<"$out" || { echo "$out"; return 1; }; }
as() { setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups -- "${@:2}"; }
for file in "$here"/steps/*.sh; do . "$file"; done

# Clients are at the other end of a cable, in a network of their own.
ip link set lo up
ip netns add clients
ip link add s0 type veth peer name c0 netns clients
ip addr add 10.20.0.1/16 dev s0 && ip addr add fd20::1/64 dev s0 nodad && ip link set s0 up
ip -n clients addr add 10.20.0.2/16 dev c0 && ip -n clients link set c0 up
# Addresses of the link are not tentative then.
no_tentative() { [ -z "$(ip -6 addr show dev s0 tentative)$(ip -n clients -6 addr show dev c0 tentative)" ]; }
until_true 25 no_tentative
ln -sf "$here/unit.py" /usr/local/bin/systemctl
mkdir -p /run/systemd/system
rm -f /usr/sbin/policy-rc.d

kea_conf
dnsdist_conf
before=$(mktemp)
inventory >"$before"
install_steps
setup_steps
use_steps
reconfigure_steps
upgrade_steps
downgrade_steps
remove_steps
echo "versions $kea $dnsdist $node"
echo end
