// SPDX-License-Identifier: MPL-2.0
// Tables come, change, go bad and outlive their writer while dnsdist answers; it is never restarted for them.
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from './lib/dns.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { Knot } from './lib/knot.js';
import { until } from './lib/process.js';
import { blocked, Tables } from './lib/tables.js';

let knot: Knot;
test.before(async () => {
  knot = await Knot.start();
});
test.after(() => knot?.stop());

async function start(tables: Tables, fail: 'open' | 'closed'): Promise<Dnsdist> {
  const lua = [bridgeLine({ directory: tables.directory, fail })];
  return await Dnsdist.start({ server: knot, threads: 2, lua });
}

const rcode = async (dnsdist: Dnsdist, name: string) => (await ask(dnsdist, { name }))?.rcode;

/** On every thread: twenty queries in a row, each from another port. */
async function settled(dnsdist: Dnsdist, name: string, expected: string): Promise<void> {
  await until(`${name} to be ${expected}`, async () => {
    for (let i = 0; i < 20; i++) if ((await rcode(dnsdist, name)) !== expected) return false;
    return true;
  });
}

test('the first tables come after dnsdist, and changes follow', async () => {
  const tables = Tables.open();
  const dnsdist = await start(tables, 'closed');
  assert.is(await rcode(dnsdist, 'www.example'), 'REFUSED');
  await tables.publish(...blocked('ads', 'nxdomain'));
  await settled(dnsdist, 'www.example', 'NOERROR');
  assert.is(await rcode(dnsdist, 'ads.example'), 'NXDOMAIN');
  await tables.publish(...blocked('games', 'refused'));
  await settled(dnsdist, 'games.example', 'REFUSED');
  await tables.publish('forget', ...blocked('games', 'refused'));
  await settled(dnsdist, 'ads.example', 'NOERROR');
  await dnsdist.stop();
  await tables.close();
});

/** Ways to spoil what a directory holds; the newest section of names is the one that matters. */
const damage: [string, (directory: string, names: string) => void][] = [
  ['a section that is cut short', (_, names) => truncateSync(names, 100)],
  ['a section with a bit turned', (_, names) => turnBit(names)],
  ['a section that is not there', (_, names) => rmSync(names)],
  ['a manifest of random bytes', (directory) => writeFileSync(join(directory, 'manifest'), 'x'.repeat(196))],
];

function turnBit(file: string): void {
  const bytes = readFileSync(file);
  bytes[200] = (bytes[200] ?? 0) ^ 4;
  writeFileSync(file, bytes);
}

for (const [what, spoil] of damage)
  test(`${what}: dnsdist keeps what it has; one that starts has nothing, and fail holds`, async () => {
    const tables = Tables.open();
    await tables.publish(...blocked('ads', 'nxdomain'));
    const dnsdist = await start(tables, 'closed');
    await settled(dnsdist, 'ads.example', 'NXDOMAIN');
    await tables.close();
    const names = readdirSync(tables.directory).find((file) => file.startsWith('names-'));
    spoil(tables.directory, join(tables.directory, names ?? ''));
    const second = await start(tables, 'closed');
    assert.is(await rcode(second, 'www.example'), 'REFUSED');
    assert.match(second.proc.output(), /nnoe: refused the tables in/);
    for (let i = 0; i < 20; i++) assert.is(await rcode(dnsdist, 'ads.example'), 'NXDOMAIN');
    assert.is(await rcode(dnsdist, 'www.example'), 'NOERROR');
    await Promise.all([dnsdist.stop(), second.stop()]);
  });

test('with its writer gone, dnsdist decides by the last tables, and one that starts does too', async () => {
  const tables = Tables.open();
  await tables.publish(...blocked('ads', 'nxdomain'));
  await tables.close();
  for (let times = 0; times < 2; times++) {
    const dnsdist = await start(tables, 'closed');
    for (let i = 0; i < 10; i++) assert.is(await rcode(dnsdist, 'ads.example'), 'NXDOMAIN');
    assert.is(await rcode(dnsdist, 'www.example'), 'NOERROR');
    await dnsdist.proc.kill();
  }
});

test.run();
