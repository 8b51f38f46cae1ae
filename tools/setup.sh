#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Installs the Debian packages that a purpose needs and that are missing; quick when none is. Never starts or enables
# a system service: policy-rc.d refuses starts while packages are set up, and what they enabled is disabled again.
#
#   tools/setup.sh PURPOSE...          build run test check fuzz bench matrix node deb packages
#   tools/setup.sh --list PURPOSE...   names the packages and does nothing
set -euo pipefail

build="g++ make cmake git kea-dev libboost-dev liblog4cplus-dev doctest-dev"
run="$build kea-dhcp4-server kea-dhcp6-server kea-admin etcd-server etcd-client curl dnsdist knot bind9-dnsutils"

packages_for() {
  case $1 in
    build) echo "$build" ;;
    run) echo "$run" ;;
    test) echo "$run openssl python3 procps iproute2 faketime zsh valgrind prometheus debootstrap build-essential debhelper fakeroot" ;;
    check) echo "$build clang-tidy" ;;
    fuzz) echo "$build clang $(clang_runtime)" ;;
    bench) echo "$run valgrind dnsperf" ;;
    matrix) echo "debootstrap git util-linux" ;;
    deb) echo "$build build-essential debhelper dpkg-dev fakeroot" ;;
    packages) echo "debootstrap util-linux git" ;;
    node) echo "nodejs npm libnode-dev ca-certificates" ;;
    *)
      echo "tools/setup.sh: no purpose '$1'; there are build run test check fuzz bench matrix node deb packages" >&2
      return 2
      ;;
  esac
}

# The sanitizer and fuzzer runtimes belong to one version of clang, and only recommend themselves.
clang_runtime() {
  apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' | head -1
}

missing() {
  local have
  have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p') || true
  printf '%s\n' "$@" | sort -u | grep -vxF "$have" || true
}

# --- as root ------------------------------------------------------------------------------------------------

policy=/usr/sbin/policy-rc.d
saved=$policy.before-nnoe
mark="# nnoe: services stay as they are while packages are installed"

# Also mends what an earlier run left when it was killed.
restore_policy() {
  if [ -e "$saved" ]; then
    mv -f "$saved" "$policy"
  elif grep -qsxF "$mark" "$policy"; then
    rm -f "$policy"
  fi
}

refuse_starts() {
  restore_policy
  [ ! -e "$policy" ] || mv "$policy" "$saved"
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
  chmod 755 "$policy"
}

# Every link that makes a service start at boot: systemd's, and those of System V's runlevels.
enabled_links() {
  find /etc/systemd/system /etc/systemd/user -type l \( -path '*.wants/*' -o -path '*.requires/*' \) 2>/dev/null
  find /etc/rc[2-5S].d -name 'S*' 2>/dev/null
}

# Disabling is the removal of these links; the state dpkg keeps beside them then says that the operator wants it so.
disable_new() {
  local before=$1 link name
  enabled_links | sort | comm -13 "$before" - | while read -r link; do
    case $link in
      /etc/rc?.d/*)
        name=$(basename "$link")
        update-rc.d "${name#S[0-9][0-9]}" disable >/dev/null 2>&1 || true
        ;;
      *)
        rm -f "$link"
        echo "  not enabled at boot: $(basename "$link")"
        ;;
    esac
  done
  [ ! -d /run/systemd/system ] || systemctl daemon-reload || true
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 "$@"
}

install_as_root() {
  local before log status=0
  before=$(mktemp)
  log=$(mktemp)
  trap 'restore_policy' EXIT
  trap 'exit 130' INT TERM HUP
  enabled_links | sort >"$before"
  refuse_starts
  echo "installing Debian packages: $*"
  apt_install "$@" >"$log" 2>&1 || { apt-get update -qq >>"$log" 2>&1; apt_install "$@" >>"$log" 2>&1; } || status=$?
  disable_new "$before"
  [ $status = 0 ] || tail -20 "$log" >&2
  rm -f "$before" "$log"
  return $status
}

# --- as anybody ---------------------------------------------------------------------------------------------

give_up() {
  echo "These Debian packages are needed and could not be installed ($1):" >&2
  echo "  $2" >&2
  echo "Install them as root, or let this script do it without starting their services:" >&2
  echo "  sudo $(realpath "$0") $purposes" >&2
  exit 1
}

main() {
  local list wanted purpose
  [ "${1:-}" != --list ] || { list=1; shift; }
  [ $# -gt 0 ] || { sed -n '6,7s/^# *//p' "$0" >&2; exit 2; }
  purposes=$*
  for purpose in "$@"; do wanted="${wanted:-} $(packages_for "$purpose")"; done
  # shellcheck disable=SC2086 # a list of words
  [ -z "${list:-}" ] || { printf '%s\n' $wanted | sort -u; exit 0; }
  command -v dpkg-query apt-get >/dev/null || give_up "this is not Debian" "$wanted"
  # shellcheck disable=SC2086
  wanted=$(missing $wanted | tr '\n' ' ')
  wanted=${wanted% }
  [ -n "$wanted" ] || exit 0
  # shellcheck disable=SC2086
  if [ "$(id -u)" = 0 ]; then
    install_as_root $wanted || give_up "apt-get failed" "$wanted"
  elif [ -n "${NNOE_SETUP_INNER:-}" ] || ! command -v sudo >/dev/null; then
    give_up "not root, and no sudo" "$wanted"
  else
    sudo ${NNOE_SUDO_OPTIONS:-$([ -t 0 ] || echo -n)} "$(realpath "$0")" "$@" || give_up "sudo failed" "$wanted"
  fi
}

main "$@"
