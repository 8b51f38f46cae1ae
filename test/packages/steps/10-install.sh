# SPDX-License-Identifier: MPL-2.0
# An appliance with Kea and dnsdist at work; then the packages, without a network.

kea_conf() { # $1: hooks-libraries
  cat >/etc/kea/kea-dhcp4.conf <<END
{ "Dhcp4": {
  "interfaces-config": { "interfaces": ["s0"] },
  "lease-database": { "type": "memfile", "name": "$lease_db", "lfc-interval": 0 },
  "control-socket": { "socket-type": "unix", "socket-name": "/run/kea/kea4-ctrl-socket" },
  "hooks-libraries": [$1],
  "valid-lifetime": 3600,
  "subnet4": [{ "id": 1, "subnet": "10.20.0.0/16", "pools": [{ "pool": "10.20.0.10-10.20.255.250" }] }]
} }
END
}
dnsdist_conf() { # $1: the line of NNOE
  cat >/etc/dnsdist/dnsdist.conf <<END
setLocal("127.0.0.1:53")
setACL({ "127.0.0.0/8" })
newServer({ address = "127.0.0.1:5353", healthCheckMode = "up" })
$1
addAction(AllRule(), SpoofAction("192.0.2.53"))
END
}

# What lies where, besides what changes by itself, and what belongs to the machine rather than to a package.
inventory() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /srv -o -path /var/cache -o -path /var/log \
    -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /run/units -o -path /run/kea -o -path /run/lock -o -path /root \) -prune -o -print | sort
}

running() { systemctl is-active kea-dhcp4-server && systemctl is-active dnsdist; }
answered() { dig +time=1 +tries=1 +short @127.0.0.1 "$1" | grep -qx "$2"; }

install_steps() {
  kea_conf ""
  dnsdist_conf ""
  ok "Kea and dnsdist run, each as its own user" systemctl start kea-dhcp4-server dnsdist
  ok "packages are installed, without a network" dpkg --install /srv/deb/*.deb
  ok "nothing is left to configure" test -z "$(dpkg --audit)"
  ok "the host was started, and told systemd so" systemctl is-active nnoe
  ok "the host runs as nnoe" test "$(ps -o user= -p "$(cat /run/units/nnoe.service.pid)")" = nnoe
  ok "nnoe status asks it" nnoe status
  ok "an operator in the group nnoe may ask, others not" operators
  ok "manual pages, completion and examples are there" manuals
  ok "directories are for whom they are meant, and for nobody else" modes
  ok "AppArmor's parser takes Kea's profiles with the rules in them" profiles
  kea=$(dpkg-query -W -f '${Version}' kea-dhcp4-server)
  dnsdist=$(dpkg-query -W -f '${Version}' dnsdist)
  node=$(if [ -x /usr/lib/nnoe/node ]; then echo "$(/usr/lib/nnoe/node --version)_(inside)"; else dpkg-query -W -f '${Version}' nodejs; fi)
  for unit in nnoe kea-dhcp4-server dnsdist; do note "$(systemctl enforced $unit)"; done
}

operators() {
  useradd --no-create-home --groups nnoe alice && as alice nnoe status || return 1
  useradd --no-create-home mallory && refused "permission" as mallory nnoe status || return 1
  userdel alice && userdel mallory
}

manuals() {
  for file in /usr/share/man/man1/nnoe.1.gz /usr/share/man/man5/nnoe.toml.5.gz /usr/share/bash-completion/completions/nnoe \
    /usr/share/zsh/vendor-completions/_nnoe /usr/share/doc/nnoe-dnsdist/examples/dnsdist.yml; do
    dpkg -S "$file" || return 1
  done
  bash -c '. /usr/share/bash-completion/completions/nnoe && complete -p nnoe'
}

# Who owns what, and with which mode; as few as can work.
modes() {
  diff - <(stat -c '%A %U:%G %n' /var/lib/nnoe /var/lib/nnoe/* /var/lib/nnoe/journal/* /run/nnoe /run/nnoe/decisions) <<END
drwxr-xr-x root:nnoe /var/lib/nnoe
drwxr-xr-x root:root /var/lib/nnoe/journal
drwxr-x--- nnoe:nnoe /var/lib/nnoe/policies
drwx------ nnoe:nnoe /var/lib/nnoe/store
drwxr-s--- nnoe:_dnsdist /var/lib/nnoe/tables
drwxr-s--- _kea:nnoe /var/lib/nnoe/journal/dhcp4
drwxr-s--- _kea:nnoe /var/lib/nnoe/journal/dhcp6
drwxr-xr-x nnoe:nnoe /run/nnoe
drwxrws--- nnoe:_dnsdist /run/nnoe/decisions
END
}

# Compiled as the kernel would take them; it takes them only where AppArmor is on.
profiles() {
  local profile
  for profile in /etc/apparmor.d/usr.sbin.kea-dhcp4 /etc/apparmor.d/usr.sbin.kea-dhcp6; do
    apparmor_parser --skip-kernel-load --skip-cache "$profile" || return 1
    apparmor_parser --preprocess "$profile" | grep -F 'owner /var/lib/nnoe/journal/dhcp[46]/** rwk,' || return 1
  done
}
