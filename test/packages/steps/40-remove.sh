# SPDX-License-Identifier: MPL-2.0
# Taken out of the configurations, removed, then purged: what is left is nothing.
remove_steps() {
  ok "nnoe setup --remove --apply takes everything out again" taken_out
  ok "configurations are byte for byte what they were" site_as_it_was
  # shellcheck disable=SC2086 # a list of words
  ok "Kea and dnsdist are started again" systemctl restart $kea_servers dnsdist
  ok "packages are removed" dpkg --remove nnoe-kea-hook nnoe-dnsdist nnoe
  ok "the host is not running" refused "" systemctl is-active nnoe
  ok "Kea and dnsdist answer on" running
  ok "what the operator wrote is still there" grep -q plugins.lists /etc/nnoe/nnoe.toml
  ok "packages are purged" dpkg --purge nnoe-kea-hook nnoe-dnsdist nnoe
  rm -f /etc/nnoe/ads.txt && rmdir --ignore-fail-on-non-empty /etc/nnoe 2>/dev/null
  ok "nothing is left" nothing_left
  # shellcheck disable=SC2086 # a list of words
  ok "Kea and dnsdist start without it" systemctl restart $kea_servers dnsdist
  ok "and answer" answered ads.example 192.0.2.53
}

taken_out() { nnoe setup dnsdist --remove --apply && nnoe setup kea --remove --apply && nnoe setup kea --family 6 --remove --apply; }
nothing_left() { local new; new=$(inventory | comm -13 "$before" - | grep -i nnoe); [ -z "$new" ] || { echo "$new"; return 1; }; }
