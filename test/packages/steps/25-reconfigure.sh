# SPDX-License-Identifier: MPL-2.0
# What an operator changes while all is at work: Kea's configuration, a list, roles, a policy, the host's configuration.

reconfigure_steps() {
  local gaps pids
  gaps=$(gaps)
  pids=$(kea_pids)
  ok "Kea is reconfigured under load, by command and by signal" under_load 6 c1 reconfigured
  nothing_missed "while Kea was reconfigured" 100 "$gaps"
  ok "the same Kea ran all the while" test "$pids" = "$(kea_pids)"
  ok "a name that is added to a list does not exist, without a restart" listed more.example
  ok "a role in the store is in force, and is taken back" role_given
  ok "a fault in nnoe.toml is told by nnoe check with its place, and the host runs on" fault_told
  ok "the host is started again with policies, under load" under_load 6 c2 policies_enabled
  nothing_missed "while the host was started again" 150 "$gaps"
  ok "a policy is in force, and refuses what it does not grant" policy_in_force
}

kea_command() { # family, command
  python3 -c 'import json, socket, sys
kea = socket.socket(socket.AF_UNIX)
kea.settimeout(10)
kea.connect(f"/run/kea/kea{sys.argv[1]}-ctrl-socket")
kea.sendall(json.dumps({"command": sys.argv[2]}).encode())
answer = b""
while part := kea.recv(65536):
    answer += part
print(answer.decode())
sys.exit(json.loads(answer)["result"])' "$@"
}
reconfigured() {
  local time
  for time in 1 2 3 4 5; do
    kea_command 4 config-reload && kea_command 6 config-reload || return 1
    sleep 0.2
    kill -HUP "$(pid_of kea-dhcp4-server)" "$(pid_of kea-dhcp6-server)"
    sleep 0.3
  done
}

listed() { has_status "$1" NOERROR && echo "$1" >>/etc/nnoe/ads.txt && until_true 100 has_status "$1" NXDOMAIN; }

role_given() {
  nnoe store put role-mappings/127.0.0.9/32 '{"roles":["guests"]}' && until_true 50 has_status ads.example NOERROR 127.0.0.9 || return 1
  has_status ads.example NXDOMAIN 127.0.0.1 || return 1
  nnoe store delete role-mappings/127.0.0.9/32 && until_true 50 has_status ads.example NXDOMAIN 127.0.0.9
}

fault_told() {
  cp -p /etc/nnoe/nnoe.toml /tmp/nnoe.toml
  printf '[plugins.policies]\nenabled = "yes"\n' >>/etc/nnoe/nnoe.toml
  refused "/etc/nnoe/nnoe.toml:$(wc -l </etc/nnoe/nnoe.toml)" nnoe check && systemctl is-active nnoe && nnoe status || return 1
  sed -i '$s/.*/enabled = true/' /etc/nnoe/nnoe.toml
}

policies_enabled() { nnoe check && systemctl restart nnoe; }

policy_in_force() {
  cat >/tmp/kids.yaml <<'END'
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: dns_query
  version: default
  rules:
    - actions: [allow]
      effect: EFFECT_ALLOW
      roles: [default]
    - actions: [allow]
      effect: EFFECT_ALLOW
      roles: [kids]
      condition:
        match:
          expr: '!R.attr.qname.endsWith(".games.example")'
END
  nnoe policies lint /tmp/kids.yaml && nnoe store put policies/clients.yaml - </tmp/kids.yaml &&
    nnoe store put role-mappings/127.0.0.7/32 '{"roles":["kids"]}' || return 1
  until_true 150 has_status chess.games.example REFUSED 127.0.0.7 || { nnoe policies; return 1; }
  has_status www.example NOERROR 127.0.0.7 && has_status chess.games.example NOERROR 127.0.0.1
}
