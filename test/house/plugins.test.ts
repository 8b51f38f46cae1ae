// SPDX-License-Identifier: MPL-2.0
// One plan for every plugin's folder.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue, keysOf, keyText } from '../../src/host/config/catalogue.js';
import { metricName } from '../../src/host/metrics.js';
import type { AnyPlugin, ConsumeSpec, Consumes, MetricSpec, PrefixSpec } from '../../src/host/plugin.js';
import { plugins } from '../../src/plugins/plugins.js';
import { files, text } from './lib/tree.js';

const names = [...new Set(files.map((file) => /^src\/plugins\/([^/]+)\/plugin\.ts$/.exec(file)?.[1]))].filter(
  (name) => name !== undefined,
);
const sections = [
  'Name',
  'Description',
  'Config',
  'Consumes',
  'Follows',
  'Publishes',
  'Metrics',
  'Messages',
  'Health',
  'Examples',
];

test('there is a plugin', () => {
  assert.ok(names.includes('leases'));
});

/** As a README writes it. */
const shownDefault = (value: unknown): string =>
  value === undefined ? 'none' : Array.isArray(value) && value.length === 0 ? '[]' : String(value);

for (const name of names) {
  const room = `src/plugins/${name}`;

  test(`${name}: README has the sections, in their order`, () => {
    const headings = [...text(`${room}/README.md`).matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    assert.equal(headings, sections);
  });

  test(`${name}: the folder's name is the plugin's`, () => {
    assert.match(text(`${room}/plugin.ts`), new RegExp(`\\bname: '${name}'`));
  });

  test(`${name}: README lists the metrics and messages that there are`, async () => {
    const section = (title: string) =>
      text(`${room}/README.md`).split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
    const listed = (title: string) =>
      [...section(title).matchAll(/^\| `(\w+)`/gm)].map((match) => match[1] ?? '').sort();
    const plugin = plugins.find((each) => each.name === name);
    const metrics = Object.entries<MetricSpec>(plugin?.metrics ?? {});
    assert.equal(listed('Metrics'), metrics.map(([key, spec]) => metricName(name, key, spec)).sort());
    const codes = [...text(`${room}/messages.ts`).matchAll(/^ {2}([A-Z_]+): \{/gm)].map(
      (match) => match[1] ?? '',
    );
    assert.equal(listed('Messages'), codes.sort());
  });

  test(`${name}: README tells the keys, the streams and the prefixes that are declared`, () => {
    const plugin = plugins.find((each) => each.name === name) as AnyPlugin;
    const section = (title: string) =>
      text(`${room}/README.md`).split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
    const told = [...section('Config').matchAll(/^\| `([\w.-]+)` +\| `([^`]*)`/gm)].map(([, key, value]) => [
      key,
      value,
    ]);
    const declared = keysOf(catalogue([plugin]))
      .filter(({ path }) => path[0] === 'plugins' && path[1] === name)
      .map((key) => [keyText({ path: key.path.slice(2) }), shownDefault(key.default)]);
    assert.equal(told, declared);
    const streams = [
      ...section('Consumes').matchAll(/^`(\w+)`, (\d+) .*?(\d+) batches.*?(\d+) s\b.*`(\w+)`/gm),
    ];
    assert.equal(
      streams.map(([, ...words]) => words),
      Object.entries<ConsumeSpec>(plugin.consumes)
        .filter(([stream]) => stream === 'lease')
        .map(([stream, { batch, window, deadline, onGap }]) =>
          [stream, batch, window, deadline, onGap].map(String),
        ),
    );
    const [, top, records] =
      /^The stream `decision`.* the (\d+) most .* (\d+) records/m.exec(section('Consumes')) ?? [];
    const { decision }: Consumes = plugin.consumes;
    assert.equal(
      [top, records],
      [decision?.top, decision?.records].map((most) => most && String(most)),
    );
    const prefixes = [...section('Follows').matchAll(/^\| `([\w/-]+\/)`/gm)].map(([, prefix]) => prefix);
    assert.equal(
      prefixes,
      Object.values<PrefixSpec>(plugin.prefixes).map(({ prefix }) => prefix),
    );
  });

  test(`${name}: pure logic and a test stand beside the declaration`, () => {
    assert.ok(files.includes(`${room}/${name}.ts`), `${room}/${name}.ts`);
    assert.ok(files.some((file) => file.startsWith(`${room}/`) && file.endsWith('.test.ts')));
  });

  test(`${name}: stands in the ordered list`, () => {
    const list = files.find((file) => /^src\/(host\/|plugins\/)?plugins\.ts$/.test(file));
    assert.ok(list, 'no plugins.ts');
    assert.match(text(list), `${name}/plugin.js`);
  });
}

test.run();
