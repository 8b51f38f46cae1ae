// SPDX-License-Identifier: MPL-2.0
// Who gets to what the parts leave on disk, while all of them run: nobody but the owner and the group to anything, and
// not the group either to what another process has mapped or goes by.
import { existsSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from '../daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../daemons/lib/dnsdist.js';
import { Host } from '../daemons/lib/host.js';
import { Kea } from '../daemons/lib/kea.js';
import { Knot } from '../daemons/lib/knot.js';
import { until } from '../daemons/lib/process.js';
import { temporary } from '../daemons/lib/workspace.js';

const others = 0o007;
const othersEnter = 0o001;
const groupWrites = 0o020;

/** All that is there, or what those get to whose bit for entering a directory is `enter`. */
function* below(directory: string, enter?: number): Generator<[string, Stats]> {
  const own = lstatSync(directory);
  yield [directory, own];
  if (enter !== undefined && (own.mode & enter) === 0) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) yield* below(path, enter);
    else yield [path, stats];
  }
}

const wrong = (paths: Iterable<[string, Stats]>, bits: number) =>
  [...paths]
    .filter(([, { mode }]) => (mode & bits) !== 0)
    .map(([path, { mode }]) => `${(mode & 0o7777).toString(8)} ${path}`);

test('others get to nothing; what is mapped, or gone by, is written by its owner alone', async () => {
  const knot = await Knot.start();
  const kea = await Kea.start({ family: 4 });
  const places = temporary('places');
  const [tables, decisions] = [join(places, 'tables'), join(places, 'decisions')];
  const host = await Host.start({
    journals: { dhcp4: { directory: kea.at.journal, family: 4 } },
    plugins: { decisions: { enabled: true } },
    extra: { tables: { directory: tables, decisions } },
  });
  await until('tables', () => existsSync(join(tables, 'manifest')));
  const dnsdist = await Dnsdist.start({ server: knot, lua: [bridgeLine({ directory: tables, decisions })] });
  const files = () => readdirSync(decisions).filter((name) => name.endsWith('.decisions'));
  await until('a file of decisions', async () => {
    await ask(dnsdist, { name: 'a.example' });
    return files().length > 0;
  });

  const journal = [...below(kea.at.journal)];
  const store = [...below(host.storeDirectory)];
  const published = [...below(tables)];
  const decided = [...below(decisions)];
  const socket: [string, Stats] = [host.socket, lstatSync(host.socket)];
  for (const each of [journal, store, published, decided]) assert.ok(each.length >= 3);
  // Cursors and decisions are for readers of other groups, who get into their directories alone.
  for (const root of [kea.at.journal, host.storeDirectory, tables, decisions])
    assert.equal(wrong(below(root, othersEnter), others), []);
  assert.equal(wrong([socket], others), []);
  const mapped = [...journal, ...decided].filter(([path]) => /\.(seg|decisions)$|\/meta$/.test(path));
  assert.ok(
    mapped.some(([path]) => path.endsWith('.seg')) && mapped.some(([path]) => path.endsWith('.decisions')),
  );
  assert.equal(wrong([...mapped, ...published, ...store], groupWrites), []);

  await dnsdist.stop();
  await host.stop();
  await kea.stop();
  await knot.stop();
});

test.run();
