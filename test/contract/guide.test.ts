// SPDX-License-Identifier: MPL-2.0
// limit: 240 s
// docs/plugins.md takes a stranger from nothing to a tested plugin: its steps are followed as they stand, and the
// plugin that comes of them runs in a host, on a journal of the real producer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadPackage } from '../../src/host/config/packages.js';
import { MemoryStore, Operation } from '../../src/host/testing.js';
import { follow, steps } from '../lib/guide.js';
import { cleanUp, stage, temporary, until } from '../lib/host-stage.js';
import { JournalScript } from '../lib/journal-script.js';
import { tree } from '../lib/tree.js';

const page = readFileSync(join(tree, 'docs/plugins.md'), 'utf8');

test('every block of the page is a file with its name or a command', () => {
  const files = steps(page).flatMap((step) => ('file' in step ? [step.file] : []));
  assert.equal(files, [
    'package.json',
    'tsconfig.json',
    'src/watchlist.ts',
    'src/watchlist.test.ts',
    'nnoe.toml',
  ]);
  assert.is(steps(page).length, [...page.matchAll(/^```/gm)].length / 2);
});

test('the tables of the page name what the harness and the context have', () => {
  const contract = readFileSync(join(tree, 'src/host/plugin.ts'), 'utf8');
  const members = (text: string, name: string) =>
    new Set(
      [
        ...((text.split(`interface ${name}`)[1] ?? '')
          .split('\n}')[0]
          ?.matchAll(/^ {2}(?:readonly )?(\w+)[(:?<]/gm) ?? []),
      ].map((match) => match[1]),
    );
  const rows = (heading: string) => {
    const table = (page.split(`| ${heading} `)[1] ?? '').split('\n\n')[0] ?? '';
    const first = table
      .split('\n')
      .slice(2)
      .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(\w+)/g)]);
    return new Set(first.map((match) => match[1]));
  };
  assert.equal([...rows('`ctx.`')].sort(), [...members(contract, 'Context')].sort());
  assert.equal(
    [...rows('key')].sort(),
    [...members(contract, 'Plugin<')].filter((m) => m !== 'setup').sort(),
  );
  const events = readFileSync(join(tree, 'src/host/gen/events.ts'), 'utf8');
  assert.equal([...rows('`event.`')].sort(), [...members(events, 'LeaseEvent')].sort());
  const harness = readFileSync(join(tree, 'src/host/testing.ts'), 'utf8');
  assert.equal(
    [...rows('`h.`')].sort(),
    [...members(harness, 'Harness<')].filter((m) => m !== 'deliver').sort(),
  );
});

test('its plugin compiles, passes its tests, and runs in a host', async () => {
  const { directory, printed } = follow();
  assert.match(printed['npm test'] ?? '', /Passed:\s+3/);
  // By its name, from where the page has it installed.
  const pluginDirectory = join(directory, '../var/lib/nnoe/plugins');
  const loaded = await loadPackage('watchlist', 'nnoe-plugin-watchlist', {
    directory: temporary(),
    pluginDirectory,
  });
  if ('reason' in loaded) throw new Error(loaded.reason);
  const { plugin } = loaded;
  const journal = join(temporary(), 'dhcp4');
  const script = await JournalScript.start(journal);
  const store = new MemoryStore();
  const device = '/nnoe/watchlist/devices/02:00:00:00:00:aa';
  await store.commit({ operations: [{ put: device, value: 'Ada' }] });
  const { host } = await stage({ journals: { dhcp4: journal }, plugins: [plugin], store });
  const hwaddr = Buffer.from('0200000000aa', 'hex');
  script.lease(7, { hwaddr, cltt: 1_700_000_000 }).lease(8);
  const notes = () => store.dump('/nnoe/watchlist/seen/');
  await until(() => Object.keys(notes()).length > 0);
  assert.equal(notes(), {
    '/nnoe/watchlist/seen/02:00:00:00:00:aa/192.0.2.7': '{"owner":"Ada","since":1700000000}',
  });
  assert.is(host.health().plugins.watchlist?.state, 'ok');
  const { text } = await host.metrics();
  assert.match(text, 'nnoe_watchlist_sightings_total{source="dhcp4"} 1');
  script.lease(7, { hwaddr, operation: Operation.EXPIRE });
  await until(() => Object.keys(notes()).length === 0);
  await script.end();
});

test.after(cleanUp);

test.run();
