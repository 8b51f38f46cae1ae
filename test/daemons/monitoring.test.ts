// SPDX-License-Identifier: MPL-2.0
// Alerts and dashboard against the real thing: promtool reads them and tries every alert, and a host that runs with a
// journal, etcd, tables and a dnsdist serves every metric that they name.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { JournalScript, killScripts } from '../lib/journal-script.js';
import { expressions, rulesFile, rulesTests, templating, used } from '../lib/monitoring.js';
import { ask } from './lib/dns.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { Etcd } from './lib/etcd.js';
import { Host } from './lib/host.js';
import { Knot } from './lib/knot.js';
import { run, until } from './lib/process.js';
import { parseScrape, sample } from './lib/scrape.js';
import { temporary } from './lib/workspace.js';

test.after(killScripts);

test('promtool takes the rules, and every alert fires when it has to and not otherwise', () => {
  assert.match(run('promtool', ['check', 'rules', rulesFile]), /SUCCESS: \d\d rules found/);
  assert.match(run('promtool', ['test', 'rules', rulesTests]), /SUCCESS/);
});

test('promtool takes every expression of the dashboard', () => {
  const rules = expressions.map(({ expr }, i) => ({
    record: `panel_${i}`,
    expr: expr.replaceAll('$instance', '.*'),
  }));
  const file = join(temporary('panels'), 'panels.yml');
  writeFileSync(file, stringify({ groups: [{ name: 'panels', rules }] }));
  assert.match(run('promtool', ['check', 'rules', file]), /SUCCESS/);
});

test('a host that runs serves every metric that alerts and dashboard name', async () => {
  const etcd = await Etcd.start();
  const knot = await Knot.start();
  const directory = join(temporary('journal'), 'dhcp4');
  const script = await JournalScript.start(directory);
  const decisions = temporary('decisions');
  const tables = join(temporary('tables'), 'tables');
  mkdirSync(tables);
  const host = await Host.start({
    journals: { dhcp4: { directory, family: 4 } },
    endpoints: etcd.endpoints,
    startsHealthy: false,
    plugins: { policies: { enabled: true }, decisions: { enabled: true } },
    extra: { tables: { directory: tables, decisions } },
  });
  const line = bridgeLine({ directory: tables, decisions });
  const dnsdist = await Dnsdist.start({ server: knot, lua: [line] });
  const scrape = async () => parseScrape(await host.metrics());
  await until('a dnsdist to be counted', async () => {
    await ask(dnsdist, { name: 'a.example' });
    const families = await scrape();
    return (sample(families, 'nnoe_dns_queries_total') ?? 0) > 0;
  });
  const families = await scrape();
  const named = new Set([
    ...expressions.flatMap(({ expr }) => used(expr).map(({ metric }) => metric)),
    ...templating.list.flatMap(({ definition = '' }) => used(definition).map(({ metric }) => metric)),
  ]);
  assert.equal(
    [...named].filter((name) => !families.has(name)),
    [],
  );
  await dnsdist.stop();
  await host.stop();
  await script.end();
  await knot.stop();
  await etcd.stop();
});

test.run();
