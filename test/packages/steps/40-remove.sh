# SPDX-License-Identifier: MPL-2.0
# Removed, then purged: what is left is nothing.
remove_steps() {
  kea_conf ""
  dnsdist_conf ""
  ok "packages are removed" dpkg --remove nnoe-kea-hook nnoe-dnsdist nnoe
  ok "the host is not running" refused "" systemctl is-active nnoe
  ok "Kea and dnsdist answer on" running
  ok "what the operator wrote is still there" grep -q plugins.lists /etc/nnoe/nnoe.toml
  ok "packages are purged" dpkg --purge nnoe-kea-hook nnoe-dnsdist nnoe
  rm -f /etc/nnoe/ads.txt && rmdir --ignore-fail-on-non-empty /etc/nnoe 2>/dev/null
  ok "nothing is left" nothing_left
  ok "Kea and dnsdist start without it" systemctl restart kea-dhcp4-server dnsdist
}

nothing_left() { local new; new=$(inventory | comm -13 "$before" - | grep -i nnoe); [ -z "$new" ] || { echo "$new"; return 1; }; }
