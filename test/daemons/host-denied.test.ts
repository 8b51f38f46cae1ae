// SPDX-License-Identifier: MPL-2.0
// Places that the host's user does not get into: each is named with what stands in the way and who has to change what,
// in health and in the log, and counts as soon as it is mended.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closed, isRoot, nobody, remedy } from './lib/closed.js';
import { Host, type HostOptions } from './lib/host.js';
import { until } from './lib/process.js';

async function unprivileged(options: Partial<HostOptions>): Promise<Host> {
  const host = await Host.create({ journals: {}, ...(isRoot ? { wrapper: nobody } : {}), ...options });
  // Its own directory is the host's.
  chmodSync(host.directory, 0o777);
  return host;
}

test('journal, tables, decisions and control socket', async () => {
  const [journal, tables, decisions, control] = [closed(), closed(), closed(), closed()];
  const host = await unprivileged({
    journals: { dhcp4: { directory: journal, family: 4 } },
    extra: { tables: { directory: tables, decisions }, control: { socket: join(control, 'host.sock') } },
  });
  host.spawn();
  const places = { JOURNAL_DENIED: journal, TABLES_DIRECTORY: tables, CONTROL_SOCKET: control };
  let told = '';
  await until('health to name them', async () => {
    told = JSON.stringify((await host.health())?.body ?? {});
    return Object.keys(places).every((code) => told.includes(`"${code}"`));
  });
  for (const [code, directory] of Object.entries(places)) assert.match(told, remedy(directory), code);
  const output = () => host.proc?.output() ?? '';
  await until('the log to name decisions', () => output().includes('"code":"DECISIONS_DIRECTORY"'));
  assert.match(output(), remedy(decisions));

  for (const each of [tables, control]) chmodSync(each, 0o777);
  await until('what was mended to be used', async () => {
    told = JSON.stringify((await host.health())?.body ?? {});
    return !told.includes('"TABLES_DIRECTORY"') && !told.includes('"CONTROL_SOCKET"');
  });
  await host.stop();
});

test('the store: the host does not start', async () => {
  const storeDirectory = closed();
  const host = await unprivileged({ storeDirectory });
  host.spawn();
  const ended = await host.proc?.ended(20_000);
  assert.is(ended?.code, 78);
  const output = host.proc?.output() ?? '';
  assert.match(output, 'STORE_DIRECTORY');
  assert.match(output, remedy(storeDirectory));
});

test.run();
