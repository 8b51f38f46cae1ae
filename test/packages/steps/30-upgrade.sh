# SPDX-License-Identifier: MPL-2.0
# The next version comes while Kea and dnsdist work: first the host's, then theirs, and the other way about.

# The packages again under a later version, with another default in the configuration.
make_next() {
  local deb at to=/tmp/next/$1
  mkdir -p "$to"
  for deb in /srv/deb/*.deb; do
    at=$to/at
    dpkg-deb -R "$deb" "$at"
    sed -i "s/^Version: .*/&.$1/" "$at/DEBIAN/control"
    [ ! -e "$at/etc/nnoe/nnoe.toml" ] || echo "# version $1" >>"$at/etc/nnoe/nnoe.toml"
    dpkg-deb -Znone -b "$at" "$to/$(basename "$deb" | cut -d_ -f1).deb"
    rm -rf "$at"
  done
}

# Leases and queries all the while: $1 names the clients, the rest is done meanwhile.
under_load() {
  local mark=$1 asker
  shift
  "$here/ask.py" ads.example www.example >/tmp/asked &
  asker=$!
  ip netns exec clients perfdhcp -4 -l c0 -R 100000 -r 60 -p 14 -b "mac=02:00:00:$mark:00:00" -W 1000000 10.20.0.1 >/tmp/load 2>&1 &
  local load=$!
  sleep 1
  "$@"
  local status=$?
  wait $load
  kill $asker && wait $asker
  return $status
}

package() { dpkg --install --force-confold "/tmp/next/$1/$2.deb"; }
host_first() {
  package 1 nnoe && package 1 nnoe-kea-hook && package 1 nnoe-dnsdist || return 1
  # A reconfigure loads the new hook into a Kea that runs on.
  kill -HUP "$(cat /run/units/kea-dhcp4-server.service.pid)" && systemctl restart dnsdist
}
host_last() {
  package 2 nnoe-dnsdist && package 2 nnoe-kea-hook && systemctl restart kea-dhcp4-server dnsdist && sleep 2 && package 2 nnoe
}
none_wrong() { grep -q 'wrong=0 ' /tmp/asked && ! grep -q 'right=0 ' /tmp/asked || { cat /tmp/asked; return 1; }; }
gaps() { grep -c SOURCE_GAP /run/units/nnoe.service.log; }
many_leases() { local count; count=$(leases_in_kea | wc -l); [ "$count" -gt "$1" ] || { echo "$count leases"; cat /tmp/load; return 1; }; }

upgrade_steps() {
  ok "later versions are made" make_next 1
  make_next 2 >/dev/null 2>&1
  local kea gaps
  gaps=$(gaps)
  kea=$(cat /run/units/kea-dhcp4-server.service.pid)
  ok "upgrade under load: the host first, then the hook and the bridge" under_load a1 host_first
  after_upgrade .1
  ok "Kea ran on" test "$kea" = "$(cat /run/units/kea-dhcp4-server.service.pid)"
  ok "upgrade under load: the hook and the bridge first, then the host" under_load b2 host_last
  after_upgrade .2
}

after_upgrade() {
  note "queries meanwhile: $(cat /tmp/asked); leases: $(leases_in_kea | wc -l)"
  ok "the host runs as version $1" test -n "$(dpkg-query -W -f '${Version}' nnoe | grep "\\$1\$")" -a -n "$(systemctl is-active nnoe && echo 1)"
  ok "no verdict was wrong" none_wrong
  ok "clients got leases all the while" many_leases 300
  ok "no lease is lost" until_true 100 same_leases
  ok "no hole was met in the journal" test "$gaps" = "$(gaps)"
  ok "what the operator changed in nnoe.toml is kept" grep -q plugins.lists.list.ads /etc/nnoe/nnoe.toml
}
