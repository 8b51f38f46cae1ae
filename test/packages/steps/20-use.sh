# SPDX-License-Identifier: MPL-2.0
# Leases, verdicts, and who gets to what.

use_steps() {
  ok "clients get leases" leased 20 00
  ok "the host shows exactly the leases that Kea has" until_true 50 same_leases
  ok "a name on a list does not exist" until_true 100 has_status ads.example NXDOMAIN
  ok "any other name is answered" answered www.example 192.0.2.53
  ok "nnoe why says why" as nnoe nnoe why 127.0.0.1 ads.example
  ok "the host hears what dnsdist decides" until_true 50 heard
  ok "no user gets to more than is his" trespass
  ok "a journal that may not be written is said, with the remedy, and Kea answers on" denied
  ! has_yaml || ok "the shipped example of dnsdist's YAML is taken and decides" yaml_example
  ok "nnoe bench measures with what the package brings" benched
}

heard() { status_of ads.example; metrics | grep -E '^nnoe_decisions_lists_total.* [1-9]' || { metrics | grep -E '^nnoe_(decision|tables)'; return 1; }; }

trespass() {
  local no
  for no in "_kea cat /var/lib/nnoe/tables/." "_kea ls /run/nnoe/decisions" "_kea ls /var/lib/nnoe/store" \
    "_dnsdist ls /var/lib/nnoe/journal/dhcp4" "_dnsdist touch /var/lib/nnoe/tables/x" "_dnsdist ls /var/lib/nnoe/store" \
    "nnoe touch /var/lib/nnoe/journal/dhcp4/x" "nnoe rm $(ls -d /var/lib/nnoe/journal/dhcp4/*.seg | head -1)" \
    "nobody ls /var/lib/nnoe/journal/dhcp4" "nobody ls /var/lib/nnoe/journal/dhcp6" \
    "nobody ls /var/lib/nnoe/tables" "nobody ls /run/nnoe/decisions"; do
    # shellcheck disable=SC2086 # a list of words
    as $no 2>/dev/null && { echo "$no: was let"; return 1; }
  done
  as nnoe ls /var/lib/nnoe/journal/dhcp4 && as _dnsdist ls /var/lib/nnoe/tables && as _kea ls /var/lib/nnoe/journal/dhcp4/cursors
}

denied() {
  chown root /var/lib/nnoe/journal/dhcp4 && chmod 750 /var/lib/nnoe/journal/dhcp4
  systemctl restart kea-dhcp4-server
  leased 25 77 && said kea-dhcp4-server "NNOE_JOURNAL_UNWRITABLE .*Permission denied.*; Kea.s user has to own that directory, and AppArmor" || return 1
  systemd-tmpfiles --create nnoe-kea-hook.conf
  until_true 100 same_leases
}

# In the place of what `nnoe setup dnsdist` wrote, for as long as it takes to look.
yaml_example() {
  local examples=/usr/share/doc/nnoe-dnsdist/examples at=/etc/dnsdist
  mkdir -p /tmp/written && cp -p $at/dnsdist.* /tmp/written/ || return 1
  { site_yaml && cat $examples/dnsdist.yml && site_rule; } >$at/dnsdist.yml && cat $examples/dnsdist.lua >$at/dnsdist.lua || return 1
  dnsdist --check-config && systemctl restart dnsdist && until_true 25 has_status ads.example NXDOMAIN && answered www.example 192.0.2.53 || return 1
  cp -p /tmp/written/* $at/ && systemctl restart dnsdist && until_true 25 has_status ads.example NXDOMAIN
}

# How fast the machine is does not count here: every figure is there, and without a bound that it names.
benched() {
  nnoe bench lists --pairs 1 --json >/tmp/bench 2>/tmp/bench.said
  [ $? -le 1 ] && python3 -c 'import json, sys
figures = [json.loads(line) for line in open("/tmp/bench")]
sys.exit(0 if len(figures) > 3 and all(each["value"] for each in figures) else 1)' || { cat /tmp/bench /tmp/bench.said; return 1; }
}
