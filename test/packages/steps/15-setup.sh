# SPDX-License-Identifier: MPL-2.0
# The operator has `nnoe setup` change the configurations of Kea and dnsdist, and does what it says is left.

setup_steps() {
  mkdir -p /tmp/site
  cp -p /etc/kea/kea-dhcp[46].conf /etc/dnsdist/dnsdist.* /tmp/site/
  ok "nnoe setup kea shows the change as a diff, which Kea's own check takes, and changes nothing" shown 'libdhcp_etcd\.so' kea-dhcp4 kea
  ok "nnoe setup kea --family 6 too" shown 'libdhcp_etcd\.so' kea-dhcp6 kea --family 6
  ok "nnoe setup dnsdist shows the change, which dnsdist's own check takes, and changes nothing" shown 'nnoe\.lua' dnsdist dnsdist
  echo ads.example >/etc/nnoe/ads.txt
  cat >>/etc/nnoe/nnoe.toml <<END
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
  ok "what it says is missing in nnoe.toml is all that is" advised
  ok "nnoe check takes the configuration, as the host's user" as nnoe nnoe check
  ok "nnoe setup --apply makes the changes, and leaves what was beside them" applied
  ok "a second time it finds nothing to do" nothing_to_do
  # shellcheck disable=SC2086 # a list of words
  ok "all are started again" systemctl restart $kea_servers dnsdist nnoe
}

site_as_it_was() { local file; for file in /tmp/site/*; do cmp "$file" "$(site_file "$file")" || return 1; done; }
site_file() { case $1 in *kea*) echo "/etc/kea/$(basename "$1")" ;; *) echo "/etc/dnsdist/$(basename "$1")" ;; esac; }

shown() { # words of the diff, the program that checks, then those of `nnoe setup`
  local words=$1 program=$2 out
  shift 2
  out=$(nnoe setup "$@") || { echo "$out"; return 1; }
  grep -q "^+.*$words" <<<"$out" && grep -q "^accepted by $program " <<<"$out" && grep -q '^nothing is changed yet' <<<"$out" &&
    site_as_it_was || { echo "$out"; return 1; }
}

todo() { nnoe setup "${@:2}" --json | python3 -c 'import json, sys
for todo in json.load(sys.stdin)["todo"]:
    print("\n".join(todo["lines"]) if todo["subject"] == sys.argv[1] else "", end="\n")' "$1"; }
subjects() { nnoe setup "$@" --json | python3 -c 'import json, sys; print(*sorted(todo["subject"] for todo in json.load(sys.stdin)["todo"]))'; }

advised() {
  local family
  for family in 4 6; do
    [ "$(subjects kea --family $family)" = "nnoe.toml restart" ] || { nnoe setup kea --family $family; return 1; }
    todo nnoe.toml kea --family $family >>/etc/nnoe/nnoe.toml
    [ "$(subjects kea --family $family)" = restart ] || { nnoe setup kea --family $family; return 1; }
  done
}

applied() {
  local file
  nnoe setup kea --apply && nnoe setup kea --family 6 --apply && nnoe setup dnsdist --fail open --apply || return 1
  for file in /tmp/site/*; do cmp "$file" "$(site_file "$file").before-nnoe" || return 1; done
}

nothing_to_do() {
  local words
  for words in kea "kea --family 6" dnsdist; do
    # shellcheck disable=SC2086 # a list of words
    nnoe setup $words | grep -q 'nothing to change' || { nnoe setup $words; return 1; }
  done
}
