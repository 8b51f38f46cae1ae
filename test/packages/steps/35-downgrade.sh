# SPDX-License-Identifier: MPL-2.0
# Back to a release with older formats: packages refuse it, and so does every part that meets a file of a later format. Kea and
# dnsdist work on all the while; then the way back that the manual names.

downgrade_steps() {
  local pids
  pids=$(kea_pids)
  make_next 3 's/^\(journal\|store\|tables\) .*/\1 77/' >/dev/null 2>&1
  ok "a version with later formats is installed" dpkg --install --force-confold /tmp/next/3/*.deb
  for package in nnoe nnoe-kea-hook nnoe-dnsdist; do
    ok "$package of older formats is refused, with what is installed and what it has" older_refused $package
  done
  ok "the host runs as version .3" runs_as .3
  ok "tables of a later format: dnsdist stays with those it has, the host makes them anew, and both say what was found" later_tables
  ok "a journal of a later format: the host says what was found, and touches nothing" later_journal_host
  ok "a journal of a later format: Kea sets it aside, says what was found, and leases go on" later_journal_kea
  ok "a store of a later format: the host does not start, says what was found, and leaves it" later_store
  ok "Kea and dnsdist ran on" running
  ok "the way back to the older version" way_back
  ok "after it the host shows exactly the leases that Kea has" until_true 100 same_leases
  ok "after it a name on a list does not exist" until_true 100 has_status ads.example NXDOMAIN
}

older_refused() {
  refused "has format 77 of the " package 2 "$1" && dpkg-query -W -f '${Version} ${Status}' "$1" | grep '\.3 install ok installed'
}

# The version of a format stands at byte 8 of the file.
set_format() { printf "\\x$2" | dd of="$1" bs=1 seek=8 conv=notrunc status=none; }
# Whatever its exit status is.
status_says() { (nnoe status || true) | tr -s ' \n' ' ' | grep -F "$1" || { nnoe status; return 1; }; }

later_tables() {
  local at=/var/lib/nnoe/tables words='manifest: format version 77, this release reads [0-9]'
  systemctl stop nnoe && as nnoe cp $at/manifest $at/later && set_format $at/later 4d && as nnoe mv $at/later $at/manifest || return 1
  said dnsdist "refused the tables in $at: $words" && has_status ads.example NXDOMAIN || return 1
  systemctl start nnoe && said nnoe "TABLES_DAMAGED.*$words" && until_true 50 nnoe status && has_status ads.example NXDOMAIN
}

later_journal_host() {
  systemctl stop kea-dhcp4-server nnoe && set_format /var/lib/nnoe/journal/dhcp4/meta 4d && systemctl start nnoe || return 1
  until_true 50 status_says 'format version 77, this release has 1' && [ "$(od -An -tu4 -j8 -N4 /var/lib/nnoe/journal/dhcp4/meta)" -eq 77 ]
}

later_journal_kea() {
  local before
  before=$(count_leases 4)
  systemctl start kea-dhcp4-server && said kea-dhcp4-server 'NNOE_JOURNAL_REPLACED .*format version 77, this release has 1; kept in ' || return 1
  # Its status says whether the first packet was lost, too.
  clients 4 e5 -R 20 -r 50 -n 40 -W 1
  [ "$(count_leases 4)" -ge $((before + 20)) ] && until_true 100 same_leases && until_true 100 nnoe status
}

later_store() {
  systemctl stop nnoe && store_format 77 || return 1
  refused "it has format 77, this release has" systemctl start nnoe && has_status ads.example NXDOMAIN && store_format 1 && systemctl start nnoe
}
store_format() { as nnoe "$(node_program)" "$here/store-format.mjs" "$1"; }
node_program() { if [ -x /usr/lib/nnoe/node ]; then echo /usr/lib/nnoe/node; else echo /usr/bin/node; fi; }

# As docs/operating.md has it.
way_back() {
  systemctl stop nnoe
  dpkg --remove nnoe-kea-hook nnoe-dnsdist nnoe && rm -r /var/lib/nnoe/store && dpkg --install --force-confold /tmp/next/2/*.deb || return 1
  # shellcheck disable=SC2086 # a list of words
  systemctl restart $kea_servers dnsdist && nnoe resync && runs_as .2
}
