# SPDX-License-Identifier: MPL-2.0
# The next version comes while Kea and dnsdist work: first the host's, then theirs, and the other way about.

# The packages again under a later version, with another default in the configuration, and further formats when told.
make_next() { # number [formats]
  local deb at to=/tmp/next/$1
  mkdir -p "$to"
  for deb in /srv/deb/*.deb; do
    at=$to/at
    dpkg-deb -R "$deb" "$at"
    sed -i "s/^Version: .*/&.$1/" "$at/DEBIAN/control"
    [ ! -e "$at/etc/nnoe/nnoe.toml" ] || echo "# version $1" >>"$at/etc/nnoe/nnoe.toml"
    [ -z "${2:-}" ] || sed -i "$2" "$at"/usr/lib/nnoe/formats/*
    dpkg-deb -Znone -b "$at" "$to/$(basename "$deb" | cut -d_ -f1).deb"
    rm -rf "$at"
  done
}

package() { dpkg --install --force-confold "/tmp/next/$1/$2.deb"; }
host_first() {
  package 1 nnoe && package 1 nnoe-kea-hook && package 1 nnoe-dnsdist || return 1
  # A reconfigure loads the new hook into a Kea before 3.0 that runs on.
  # shellcheck disable=SC2046 # numbers
  kill -HUP $(kea_pids) && systemctl restart dnsdist
}
host_last() {
  # shellcheck disable=SC2086 # a list of words
  package 2 nnoe-dnsdist && package 2 nnoe-kea-hook && systemctl restart $kea_servers dnsdist && sleep 2 && package 2 nnoe
}
hook_is_new() { local pid; for pid in $(kea_pids); do grep 'libdhcp_etcd\.so' "/proc/$pid/maps" | grep -v '(deleted)' || return 1; done; }

upgrade_steps() {
  local gaps pids kea_version
  kea_version=$(dpkg-query -W -f '${Version}' kea-dhcp4-server)
  ok "later versions are made" make_next 1
  make_next 2 >/dev/null 2>&1
  gaps=$(gaps)
  pids=$(kea_pids)
  ok "upgrade under load: the host first, then the hook and the bridge" under_load 14 a1 host_first
  after_upgrade .1 300 "$gaps"
  ok "Kea ran on" test "$pids" = "$(kea_pids)"
  # Kea 3.0 keeps the library that is loaded until it is started again.
  dpkg --compare-versions "$kea_version" ge 3 || ok "a reconfigure gave Kea the new hook" hook_is_new
  ok "upgrade under load: the hook and the bridge first, then the host" under_load 14 b2 host_last
  after_upgrade .2 600 "$gaps"
  ok "what the operator changed in nnoe.toml is kept" grep -q plugins.lists.list.ads /etc/nnoe/nnoe.toml
  ok "the policy is in force still" has_status chess.games.example REFUSED 127.0.0.7
}

after_upgrade() {
  ok "the host runs as version $1" runs_as "$1"
  nothing_missed "while version $1 came" "$2" "$3"
}
runs_as() { dpkg-query -W -f '${Version}' nnoe | grep "\\$1\$" && systemctl is-active nnoe; }
