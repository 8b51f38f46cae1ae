// SPDX-License-Identifier: MPL-2.0
// A host that starts while etcd is away: plugins have what they follow as this node last knew it, health and
// `nnoe status` call it stale, and when etcd is back everything is as etcd says.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Etcd } from '../daemons/lib/etcd.js';
import { Host } from '../daemons/lib/host.js';
import { tree } from '../daemons/lib/kea.js';
import type { JsonObject } from '../daemons/lib/kea-config.js';
import { freePort } from '../daemons/lib/ports.js';
import { until } from '../daemons/lib/process.js';

const follower = join(tree, 'dist/test/daemons/fixtures/following-host.js');

/** What the plugin that follows says that it holds. */
const held = ({ plugins }: JsonObject): unknown => ((plugins as JsonObject).follower as JsonObject).reason;
const store = ({ store: part }: JsonObject): JsonObject => part as JsonObject;

async function becomes(host: Host, what: string, is: (body: JsonObject) => boolean): Promise<JsonObject> {
  const look = async () => {
    const health = await host.health();
    return health !== undefined && is(health.body) && { ...health.body, status: health.status };
  };
  return (await until(what, look, 20_000, 50)) as JsonObject;
}

function status(host: Host, ...options: string[]): { code: number | null; text: string } {
  const args = [join(tree, 'dist/src/cli/nnoe.js'), 'status', '--socket', host.socket, ...options];
  const { status: code, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  return { code, text: stdout };
}

test('a start without etcd serves what was known, and says so, until etcd is back', async () => {
  const clientPort = await freePort();
  const etcd = await Etcd.start({ clientPort });
  await etcd.put('/nnoe/follower/keys/1', 'one');
  await etcd.put('/nnoe/follower/keys/2', 'two');
  const host = await Host.create({
    journals: {},
    endpoints: etcd.endpoints,
    plugins: { leases: { enabled: false }, follower: {} },
    script: follower,
    startsHealthy: false,
  });
  await host.start();
  await becomes(host, 'the keys to be known', (body) => held(body) === '2 keys');
  await host.stop();
  await etcd.killMember(0);

  await host.start();
  const stale = await becomes(host, 'a stale store', (body) => store(body).state === 'stale');
  assert.is(stale.status, 200, 'degraded, not down');
  assert.is(held(stale), '2 keys');
  assert.is(store(stale).code, 'STORE_UNREACHABLE');
  assert.match(String(store(stale).reason), /plugins work on what was known \d+ s ago, and writes wait/);
  const shown = status(host);
  assert.match(shown.text, /^store +stale +.*plugins work on what was known/m);
  assert.is(shown.code, 75);
  assert.is(JSON.parse(status(host, '--json').text).store.state, 'stale');

  etcd.startMember(0);
  await etcd.ready();
  await etcd.put('/nnoe/follower/keys/3', 'three');
  await becomes(host, 'the truth', (body) => held(body) === '3 keys');
  // What other plugins follow comes back when each of them asks again.
  await becomes(host, 'a store that is well', (body) => store(body).state === 'ok');
  assert.is(status(host).code, 0);
  await host.stop();
  await etcd.stop();
});

test.run();
