// SPDX-License-Identifier: MPL-2.0
// limit: 120 s
// examples/lease-plane runs as it stands, on the paths and ports it names: in mount and network namespaces of
// its own, with clients behind an Ethernet link, so that Kea answers real broadcasts through raw sockets.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hookLibrary, tree } from '../daemons/lib/kea.js';
import { temporary } from '../daemons/lib/workspace.js';

const script = `
set -eu
# Writable places of our own over the machine's, each empty.
for place in /var/lib/kea /var/lib/nnoe /run; do mkdir -p $place; mount -t tmpfs tmpfs $place; done
mkdir -m 750 /run/kea && mkdir -p /run/lock/kea /run/etcd
hooks=$(dirname "$(sed -n 's/.*"library": "\\(.*\\)".*/\\1/p' "$EXAMPLE/kea-dhcp4.conf")")
mkdir /run/hooks && cp -a "$hooks"/. /run/hooks && mount --bind /run/hooks "$hooks" && cp "$HOOK" "$hooks/"
ip link set lo up
unshare --net sleep 100 & client=$!
trap 'kill $(jobs -p); wait' EXIT
sleep 0.3
ip link add eth0 address 02:00:00:00:00:01 type veth peer name eth0 netns $client
for side in "" "nsenter -t $client -n"; do
  $side sysctl -qw net.ipv6.conf.eth0.accept_dad=0
  $side ip link set lo up
  $side ip link set eth0 up
done
ip addr add 192.0.2.1/24 dev eth0; ip addr add 2001:db8:1::1/64 dev eth0
nsenter -t $client -n ip addr add 192.0.2.2/24 dev eth0
etcd --data-dir /run/etcd --log-level error >/run/etcd.log 2>&1 &
# AppArmor goes by path: a copy is not confined to the machine's own directories.
for family in 4 6; do
  cp /usr/sbin/kea-dhcp$family /run/ && KEA_LOCKFILE_DIR=/run/lock/kea /run/kea-dhcp$family -c "$EXAMPLE/kea-dhcp$family.conf" >/run/kea$family.log 2>&1 &
done
"$NODE" "$TREE/dist/src/cli/nnoe.js" host --config "$EXAMPLE/nnoe.toml" >/run/host.log 2>&1 &
say() { for log in etcd kea4 kea6 host; do echo "--- $log"; tail -20 /run/$log.log; done; exit 1; }
healthy() { "$NODE" -e 'fetch("http://127.0.0.1:9090/health").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))'; }
for i in $(seq 60); do healthy && break; [ $i -lt 60 ] || say; sleep 0.25; done
for family in 4 6; do
  nsenter -t $client -n perfdhcp -$family -l eth0 -r 5 -R 5 -n 5 -W 500000 || say
done
leases() { ETCDCTL_API=3 etcdctl get --prefix /nnoe/dhcp/leases/ --keys-only | grep -c .; }
for i in $(seq 40); do [ "$(leases)" = 10 ] && break; [ $i -lt 40 ] || say; sleep 0.25; done
ETCDCTL_API=3 etcdctl get --prefix /nnoe/dhcp/leases/ --print-value-only
`;

test('the example gives leases to clients on Ethernet, and publishes them', () => {
  const file = join(temporary('example'), 'run.sh');
  writeFileSync(file, script);
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--mount',
      '--net',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'bash',
      file,
    ],
    {
      env: {
        ...process.env,
        EXAMPLE: join(tree, 'examples/lease-plane'),
        HOOK: hookLibrary,
        NODE: process.execPath,
        TREE: tree,
      },
      encoding: 'utf8',
      timeout: 90_000,
    },
  );
  assert.is(status, 0, `${stdout}${stderr}`);
  const leases = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { ip: string; node: string });
  assert.is(leases.length, 10, stdout);
  assert.ok(leases.every((lease) => lease.node === 'dhcp-a'));
  assert.is(leases.filter((lease) => lease.ip.startsWith('192.0.2.1')).length, 5);
  assert.is(leases.filter((lease) => lease.ip.startsWith('2001:db8:1::')).length, 5);
});

test.run();
