// SPDX-License-Identifier: MPL-2.0
// What happens to tables and their directory while dnsdist answers: it goes on with what it has, and takes what is good.
import { renameSync, rmSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from '../daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../daemons/lib/dnsdist.js';
import { until } from '../daemons/lib/process.js';
import { blocked, Tables } from '../daemons/lib/tables.js';
import { campaign } from '../stress/generations.js';

const nobody = { address: '127.0.0.1', port: 9 };
const start = (directory: string) =>
  Dnsdist.start({
    server: nobody,
    threads: 2,
    lua: [bridgeLine({ directory, fail: 'closed' }), 'addAction(AllRule(), RCodeAction(DNSRCode.NOERROR))'],
  });
const rcode = async (dnsdist: Dnsdist, name: string) => (await ask(dnsdist, { name }))?.rcode;

async function settled(dnsdist: Dnsdist, name: string, expected: string): Promise<void> {
  await until(`${name} to be ${expected}`, async () => {
    for (let i = 0; i < 10; i++) if ((await rcode(dnsdist, name)) !== expected) return false;
    return true;
  });
}

test('200 generations under load: every answer is right, and memory and files stay as they are', async () => {
  const { answered, faults, before, after, files } = await campaign({
    generations: 200,
    names: 500,
    say: () => undefined,
  });
  assert.equal(faults, []);
  assert.ok(answered > 200, `${answered} answers`);
  assert.ok(after < before + 4, `${before} MB, then ${after} MB`);
  assert.ok(files < 20, `${files} files`);
});

for (const [how, take] of [
  ['removed', (directory: string) => rmSync(directory, { recursive: true })],
  ['moved away', (directory: string) => renameSync(directory, `${directory}.old`)],
] as const)
  test(`the tables directory ${how} and made again: verdicts go on, and new tables are taken`, async () => {
    const tables = Tables.open();
    for (let i = 0; i < 3; i++) await tables.publish('forget', ...blocked('ads', 'nxdomain'));
    const dnsdist = await start(tables.directory);
    await settled(dnsdist, 'ads.example', 'NXDOMAIN');
    await tables.close();
    take(tables.directory);
    for (let i = 0; i < 20; i++) assert.is(await rcode(dnsdist, 'ads.example'), 'NXDOMAIN');
    const again = Tables.open(tables.directory);
    await again.publish(...blocked('games', 'nxdomain'));
    await settled(dnsdist, 'games.example', 'NXDOMAIN');
    assert.is(await rcode(dnsdist, 'ads.example'), 'NOERROR');
    await again.publish('forget', ...blocked('ads', 'refused'));
    await settled(dnsdist, 'ads.example', 'REFUSED');
    await again.close();
    await dnsdist.stop();
  });

test('dnsdist killed between two generations starts with the last one', async () => {
  const tables = Tables.open();
  await tables.publish(...blocked('ads', 'nxdomain'));
  let dnsdist = await start(tables.directory);
  for (const action of ['refused', 'nxdomain', 'refused']) {
    await dnsdist.kill();
    await tables.publish('forget', ...blocked('ads', action));
    dnsdist = await dnsdist.again();
    for (let i = 0; i < 5; i++) assert.is(await rcode(dnsdist, 'ads.example'), action.toUpperCase());
  }
  await dnsdist.stop();
  await tables.close();
});

test.run();
