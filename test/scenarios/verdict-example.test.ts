// SPDX-License-Identifier: MPL-2.0
// limit: 120 s
// examples/verdict-plane runs as it stands, on the paths and ports it names, in mount and network namespaces of its
// own: what each client gets from dnsdist, what `nnoe why` says of it, and a change that is seen at once.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bridgeDirectory } from '../daemons/lib/dnsdist.js';
import { tree } from '../daemons/lib/kea.js';
import { temporary } from '../daemons/lib/workspace.js';

const script = `
set -eu
# Writable places of our own over the machine's.
for place in /var/lib/nnoe /run; do mkdir -p $place; mount -t tmpfs tmpfs $place; done
for place in /etc /usr/share /usr/lib; do
  work=/run/over$place; mkdir -p $work/upper $work/work
  mount -t overlay overlay -o lowerdir=$place,upperdir=$work/upper,workdir=$work/work $place
done
mkdir -p /etc/nnoe /usr/share/nnoe /usr/lib/nnoe /run/nnoe/decisions /run/knot
cp "$BRIDGE/libnnoe_dnsdist.so" /usr/lib/nnoe/; cp "$BRIDGE/nnoe.lua" /usr/share/nnoe/
cp "$EXAMPLE/nnoe.toml" "$EXAMPLE/ads.hosts" /etc/nnoe/
ip link set lo up
cat >/run/knot.conf <<END
server:
  rundir: /run/knot
  listen: 127.0.0.1@5353
database:
  storage: /run/knot
zone:
  - domain: example
    file: $EXAMPLE/example.zone
    zonefile-load: whole
    journal-content: none
END
knotd -c /run/knot.conf >/run/knot.log 2>&1 &
nnoe="$NODE $TREE/dist/src/cli/nnoe.js"
$nnoe host >/run/host.log 2>&1 &
trap 'kill $(jobs -p); wait' EXIT
say() { for log in knot host dnsdist; do echo "--- $log"; tail -20 /run/$log.log; done; exit 1; }
dnsdist --supervised --disable-syslog -C "$EXAMPLE/dnsdist.conf" >/run/dnsdist.log 2>&1 &
answers() { $nnoe store list >/dev/null 2>&1; }
for i in $(seq 80); do answers && break; [ $i -lt 80 ] || say; sleep 0.25; done
"$NODE" -e '
  const all = JSON.parse(require("fs").readFileSync(process.env.EXAMPLE + "/mappings.json", "utf8"));
  for (const [key, value] of Object.entries(all)) console.log(key + " " + JSON.stringify(value));
' | while read -r key value; do $nnoe store put "$key" "$value" >/dev/null || say; done
$nnoe store put policies/example.yaml - <"$EXAMPLE/policies.yaml" >/dev/null
asks() {
  dig +time=2 +tries=1 -b $1 @127.0.0.1 $2 A | awk '
    /status:/ { sub(/,/, "", $6); status = $6 } $4 == "A" { address = " " $5 } END { print status address }'
}
for i in $(seq 80); do
  [ "$(asks 127.0.0.2 chess.games.example)" = "NOERROR 127.0.0.80" ] && break
  [ $i -lt 80 ] || say
  sleep 0.25
done
for question in "127.0.0.2 www.example" "127.0.0.2 ads.example" "127.0.0.3 ads.example" "127.0.1.9 tracker.example" \\
  "127.0.0.9 malware.example"; do
  echo "$question: $(asks $question)"
done
$nnoe why 127.0.0.2 ads.example --json
$nnoe store put role-mappings/127.0.0.3 '{"roles":["kids"]}' >/dev/null
for i in $(seq 20); do
  [ "$(asks 127.0.0.3 ads.example)" = NXDOMAIN ] && echo changed && break
  [ $i -lt 20 ] || say
  sleep 0.05
done
`;

test('the example decides about queries, explains it, and follows a change', () => {
  const file = join(temporary('example'), 'run.sh');
  writeFileSync(file, script);
  const namespaces = ['--user', '--map-root-user', '--mount', '--net', '--pid', '--fork', '--kill-child'];
  const { status, stdout, stderr } = spawnSync('unshare', [...namespaces, '--mount-proc', 'bash', file], {
    env: {
      ...process.env,
      PATH: `${process.env.PATH}:/usr/sbin`,
      EXAMPLE: join(tree, 'examples/verdict-plane'),
      BRIDGE: bridgeDirectory,
      NODE: process.execPath,
      TREE: tree,
    },
    encoding: 'utf8',
    timeout: 90_000,
  });
  assert.is(status, 0, `${stdout}${stderr}`);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.slice(0, 5), [
    '127.0.0.2 www.example: NOERROR 198.51.100.1',
    '127.0.0.2 ads.example: NXDOMAIN',
    '127.0.0.3 ads.example: NOERROR 198.51.100.1',
    '127.0.1.9 tracker.example: NXDOMAIN',
    '127.0.0.9 malware.example: NOERROR 127.0.0.80',
  ]);
  const { reason, list, roles, bridges } = JSON.parse(lines[5] ?? '') as Record<string, unknown>;
  assert.equal([reason, list, roles], ['block-list', 'ads', ['kids']]);
  assert.is((bridges as object[]).length, 1);
  assert.is(lines[6], 'changed');
});

test.run();
