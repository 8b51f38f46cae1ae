// SPDX-License-Identifier: MPL-2.0
// A host that logs in to etcd with a password: neither it nor a wrong one is ever in what the host says.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Etcd } from './lib/etcd.js';
import { Host } from './lib/host.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const right = 'right-horse-battery';
const wrong = 'wrong-horse-battery';

test('a systemd credential logs in; when it is wrong, log, health and metrics tell so without it', async () => {
  const etcd = await Etcd.start();
  for (const [call, body] of [
    ['auth/user/add', { name: 'root', password: right }],
    ['auth/role/add', { name: 'root' }],
    ['auth/user/grant', { user: 'root', role: 'root' }],
    ['auth/enable', {}],
  ] as const)
    await etcd.call(call, body);
  const credentials = temporary('credentials');
  mkdirSync(credentials, { recursive: true });
  const file = join(credentials, 'etcd-password');
  writeFileSync(file, `${wrong}\n`);
  const host = await Host.start({
    journals: {},
    endpoints: etcd.endpoints,
    env: { CREDENTIALS_DIRECTORY: credentials },
    extra: {
      log: { level: 'trace' },
      store: {
        kind: 'etcd',
        directory: temporary('store'),
        endpoints: etcd.endpoints,
        user: 'root',
        'password-file': 'credential:etcd-password',
      },
    },
    startsHealthy: false,
  });
  let said = '';
  const listen = async () => {
    said += JSON.stringify((await host.health())?.body) + (await host.metrics());
    return said;
  };
  await until('the login to be refused', async () => /STORE_AUTH_FAILED/.test(await listen()), 15_000);
  // Read again at the next login: no restart.
  writeFileSync(file, `${right}\n`);
  await host.healthy();
  said += (await listen()) + (host.proc?.output() ?? '');
  await host.stop();
  for (const secret of [right, wrong]) assert.not.match(said, secret);
});

test.run();
