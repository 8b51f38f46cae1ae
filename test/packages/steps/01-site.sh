# SPDX-License-Identifier: MPL-2.0
# An appliance as its operator has it: configurations of Kea and dnsdist without NNOE, and what lies where.

kea_conf() {
  cat >/etc/kea/kea-dhcp4.conf <<END
{ "Dhcp4": {
  // The site's own.
  "interfaces-config": { "interfaces": ["s0"] },
  "lease-database": { "type": "memfile", "name": "$(lease_db 4)", "lfc-interval": 0 },
  "control-socket": { "socket-type": "unix", "socket-name": "/run/kea/kea4-ctrl-socket" },
  "valid-lifetime": 3600,
  "subnet4": [{ "id": 1, "subnet": "10.20.0.0/16", "pools": [{ "pool": "10.20.0.10-10.20.255.250" }] }]
} }
END
  cat >/etc/kea/kea-dhcp6.conf <<END
{ "Dhcp6": {
  "interfaces-config": { "interfaces": ["s0"] },
  "lease-database": { "type": "memfile", "name": "$(lease_db 6)", "lfc-interval": 0 },
  "control-socket": { "socket-type": "unix", "socket-name": "/run/kea/kea6-ctrl-socket" },
  "valid-lifetime": 3600,
  "subnet6": [{ "id": 1, "subnet": "fd20::/64", "interface": "s0", "pools": [{ "pool": "fd20::1:0-fd20::ffff:ffff" }] }]
} }
END
}
# By what this dnsdist calls newest: YAML from 2.0 on.
dnsdist_conf() {
  if ! has_yaml; then
    cat >/etc/dnsdist/dnsdist.conf <<END
-- The site's own.

setLocal("127.0.0.1:53")
setACL({ "127.0.0.0/8" })
newServer({ address = "127.0.0.1:5353", healthCheckMode = "up" })
addAction(AllRule(), SpoofAction("192.0.2.53"))
END
    return
  fi
  rm -f /etc/dnsdist/dnsdist.conf
  site_yaml >/etc/dnsdist/dnsdist.yml
  site_rule | sed '1i query_rules:' >>/etc/dnsdist/dnsdist.yml
  chown root:_dnsdist /etc/dnsdist/dnsdist.yml && chmod 640 /etc/dnsdist/dnsdist.yml
}
has_yaml() { dpkg --compare-versions "$(dpkg-query -W -f '${Version}' dnsdist)" ge 2; }
site_yaml() { printf '%s\n' '# The site'\''s own.' 'binds:' '  - listen_address: "127.0.0.1:53"' 'acl: ["127.0.0.0/8"]' \
  'backends:' '  - address: "127.0.0.1:5353"' '    protocol: "Do53"' '    health_checks:' '      mode: "up"'; }
site_rule() { printf '%s\n' '  - name: "site"' '    selector:' '      type: "All"' '    action:' '      type: "Spoof"' '      ips: ["192.0.2.53"]'; }

# What lies where, besides what changes by itself, and what belongs to the machine rather than to a package.
inventory() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /srv -o -path /var/cache -o -path /var/log \
    -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /run/units -o -path /run/kea -o -path /run/lock -o -path /root \) -prune -o -print | sort
}
