# SPDX-License-Identifier: MPL-2.0
# The packages come, without a network, while Kea and dnsdist are at work.

install_steps() {
  # shellcheck disable=SC2086 # a list of words
  ok "Kea and dnsdist run, each as its own user" systemctl start $kea_servers dnsdist
  ok "packages are installed, without a network" dpkg --install /srv/deb/*.deb
  ok "nothing is left to configure" test -z "$(dpkg --audit)"
  ok "the host was started, and told systemd so" systemctl is-active nnoe
  ok "the host runs as nnoe" test "$(ps -o user= -p "$(pid_of nnoe)")" = nnoe
  ok "nnoe status asks it" nnoe status
  ok "an operator in the group nnoe may ask, others not" operators
  ok "manual pages, completion and examples are there" manuals
  ok "directories are for whom they are meant, and for nobody else" modes
  ok "AppArmor's parser takes Kea's profiles with the rules in them" profiles
  kea=$(dpkg-query -W -f '${Version}' kea-dhcp4-server)
  dnsdist=$(dpkg-query -W -f '${Version}' dnsdist)
  node=$(if [ -x /usr/lib/nnoe/node ]; then echo "$(/usr/lib/nnoe/node --version)_(inside)"; else dpkg-query -W -f '${Version}' nodejs; fi)
  for unit in nnoe $kea_servers dnsdist; do note "$(systemctl enforced "$unit")"; done
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
