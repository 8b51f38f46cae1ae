# SPDX-License-Identifier: MPL-2.0
# The operator names the hook, the line of dnsdist and the journal; then a lease and verdicts.

hooks() { echo /usr/lib/*/kea/hooks; }
leases_in_kea() { awk -F, 'FNR > 1 && $4 > 0 { print $1 }' "$lease_db" | sort -u; }
leases_in_host() { nnoe leases --json | grep -oE '"address":"[0-9.]+"' | cut -d'"' -f4 | sort -u; }
same_leases() { diff <(leases_in_kea) <(leases_in_host); }
# $1: the first of as many clients of their own.
exchange() { ip netns exec clients perfdhcp -4 -l c0 -R "$1" -r "${2:-50}" -n "$1" -b "mac=02:00:00:${3:-00}:00:00" -W 1 10.20.0.1; }
leased() { exchange "$@" >/tmp/perfdhcp 2>&1; [ "$(leases_in_kea | wc -l)" -gt 0 ] || { cat /tmp/perfdhcp; return 1; }; }
status_of() { dig +time=1 +tries=2 @127.0.0.1 "$1" | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }
has_status() { [ "$(status_of "$1")" = "$2" ] || { dig +time=1 +tries=1 @127.0.0.1 "$1"; return 1; }; }

use_steps() {
  kea_conf "{ \"library\": \"$(hooks)/libdhcp_etcd.so\" }"
  dnsdist_conf 'dofile("/usr/share/nnoe/nnoe.lua")({ fail = "open" })'
  echo ads.example >/etc/nnoe/ads.txt
  cat >>/etc/nnoe/nnoe.toml <<END
[journal.dhcp4]
directory = "/var/lib/nnoe/journal/dhcp4"
family = 4

[plugins.roles]
default = ["default"]

[plugins.lists.list.ads]
kind = "block"
path = "/etc/nnoe/ads.txt"

[[plugins.lists.subscribe]]
lists = ["ads"]
roles = ["default"]
action = "nxdomain"
END
  ok "Kea's own check takes the hook" as _kea kea-dhcp4 -t /etc/kea/kea-dhcp4.conf
  ok "dnsdist's own check takes the line" as _dnsdist dnsdist --check-config
  ok "nnoe check takes the configuration, as the host's user" as nnoe nnoe check
  ok "all are started again" systemctl restart kea-dhcp4-server dnsdist nnoe
  ok "clients get leases" leased 20
  ok "the host shows exactly the leases that Kea has" until_true 50 same_leases
  ok "a name on a list does not exist" until_true 100 has_status ads.example NXDOMAIN
  ok "any other name is answered" answered www.example 192.0.2.53
  ok "nnoe why says why" as nnoe nnoe why 127.0.0.1 ads.example
  ok "the host hears what dnsdist decides" until_true 50 heard
  ok "no user gets to more than is his" trespass
  ok "a journal that may not be written is said, with the remedy, and Kea answers on" denied
}

metrics() { python3 -c 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:9090/metrics", timeout=5).read().decode())'; }
heard() { status_of ads.example; metrics | grep -E '^nnoe_decisions_lists_total.* [1-9]' || { metrics | grep -E '^nnoe_(decision|tables)'; return 1; }; }

trespass() {
  local no
  for no in "_kea cat /var/lib/nnoe/tables/." "_kea ls /run/nnoe/decisions" "_kea ls /var/lib/nnoe/store" \
    "_dnsdist ls /var/lib/nnoe/journal/dhcp4" "_dnsdist touch /var/lib/nnoe/tables/x" "_dnsdist ls /var/lib/nnoe/store" \
    "nnoe touch /var/lib/nnoe/journal/dhcp4/x" "nnoe rm $(ls -d /var/lib/nnoe/journal/dhcp4/*.seg | head -1)" \
    "nobody ls /var/lib/nnoe/journal/dhcp4" "nobody ls /var/lib/nnoe/tables" "nobody ls /run/nnoe/decisions"; do
    # shellcheck disable=SC2086 # a list of words
    as $no 2>/dev/null && { echo "$no: was let"; return 1; }
  done
  as nnoe ls /var/lib/nnoe/journal/dhcp4 && as _dnsdist ls /var/lib/nnoe/tables && as _kea ls /var/lib/nnoe/journal/dhcp4/cursors
}

denied() {
  chown root /var/lib/nnoe/journal/dhcp4 && chmod 750 /var/lib/nnoe/journal/dhcp4
  systemctl restart kea-dhcp4-server
  leased 5 50 77
  until_true 50 grep -q "NNOE_JOURNAL_UNWRITABLE .*Permission denied; Kea.s user has to own that directory, and AppArmor" /run/units/kea-dhcp4-server.service.log || { tail -20 /run/units/kea-dhcp4-server.service.log; return 1; }
  systemd-tmpfiles --create nnoe-kea-hook.conf
  until_true 100 same_leases
}
