# SPDX-License-Identifier: MPL-2.0
# What clients, Kea, dnsdist and the host say, for the other steps to compare.

lease_db() { echo /var/lib/kea/kea-leases"$1".csv; }
# Rows of a lease that counts, of one family; the column of the lifetime differs.
leases_in_kea() { awk -F, -v at="$([ "$1" = 4 ] && echo 4 || echo 3)" 'FNR > 1 && $at > 0 { print $1 }' "$(lease_db "$1")" | sort -u; }
leases_in_host() { nnoe leases "-$1" --json | grep -oE '"address":"[0-9a-f.:]+"' | cut -d'"' -f4 | sort -u; }
same_leases() { local family; for family in 4 6; do diff <(leases_in_kea $family) <(leases_in_host $family) || return 1; done; }
count_leases() { leases_in_kea "$1" | wc -l; }
# More of them, of either family.
more_leases() { local family; for family in 4 6; do [ "$(count_leases $family)" -ge "$1" ] || { echo "$(count_leases $family) leases"; cat /tmp/perfdhcp*; return 1; }; done; }

# perfdhcp of one family; $2: octet that names these clients, the rest is perfdhcp's.
clients() {
  local family=$1 mark=$2 server
  server=$([ "$family" = 4 ] && echo 10.20.0.1 || echo all)
  ip netns exec clients perfdhcp "-$family" -l c0 -b "mac=02:00:00:$mark:00:00" "${@:3}" "$server" >"/tmp/perfdhcp$family" 2>&1
}
# As many clients get leases of either family; a packet is lost now and then, as anywhere.
leased() { local family; for family in 4 6; do clients $family "$2" -R "$1" -r 50 -n $((2 * $1)) -W 1; done; more_leases "$1"; }

status_of() { dig ${2:+-b "$2"} +time=1 +tries=2 @127.0.0.1 "$1" | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }
has_status() { [ "$(status_of "$1" "${3:-}")" = "$2" ] || { dig +time=1 +tries=1 @127.0.0.1 "$1"; return 1; }; }
answered() { dig +time=1 +tries=1 +short @127.0.0.1 "$1" | grep -qx "$2"; }
metrics() { python3 -c 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:9090/metrics", timeout=5).read().decode())'; }

kea_servers="kea-dhcp4-server kea-dhcp6-server"
pid_of() { echo "$(</run/units/"$1".service.pid)"; }
log_of() { cat "/run/units/$1.service.log"; }
kea_pids() { for each in $kea_servers; do pid_of "$each"; done; }
# shellcheck disable=SC2086 # a list of words
running() { systemctl is-active $kea_servers && systemctl is-active dnsdist; }
gaps() { grep -c SOURCE_GAP /run/units/nnoe.service.log; }
said() { until_true "${3:-50}" grep -qE "$2" "/run/units/$1.service.log" || { log_of "$1" | tail -20; return 1; }; }

# Leases of both families and queries for $1 s, clients named by the octet $2; the rest is done meanwhile.
under_load() {
  local seconds=$1 mark=$2 asker loads=() family status
  shift 2
  "$here/ask.py" ads.example www.example >/tmp/asked &
  asker=$!
  for family in 4 6; do
    clients $family "$mark" -R 100000 -r 40 -p "$seconds" -W 1000000 &
    loads+=($!)
  done
  sleep 1
  "$@"
  status=$?
  wait "${loads[@]}"
  kill $asker && wait $asker
  return $status
}
none_wrong() { grep -q 'wrong=0 ' /tmp/asked && ! grep -q 'right=0 ' /tmp/asked || { cat /tmp/asked; return 1; }; }

# What has to be so after anything that was done under load.
nothing_missed() {
  note "queries meanwhile: $(cat /tmp/asked); leases: $(count_leases 4) and $(count_leases 6)"
  ok "no verdict was wrong $1" none_wrong
  ok "clients got leases $1" more_leases "$2"
  ok "no lease is lost $1" until_true 100 same_leases
  ok "no hole was met in the journals $1" test "$3" = "$(gaps)"
}
