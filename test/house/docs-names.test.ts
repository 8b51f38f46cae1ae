// SPDX-License-Identifier: MPL-2.0
// What the documents name besides files is there: codes, commands, targets, metrics, keys of the configuration.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { processIo } from '../../src/cli/io.js';
import { makeProgram } from '../../src/cli/program.js';
import { catalogue, keysOf } from '../../src/host/config/catalogue.js';
import { otherVariables, pathOfVariable } from '../../src/host/config/variables.js';
import { errors } from '../../src/host/errors.js';
import { messages } from '../../src/host/messages.js';
import { metricName } from '../../src/host/metrics.js';
import { metricRows, notServed } from '../../src/host/metrics-table.js';
import type { MetricSpec } from '../../src/host/plugin.js';
import { plugins } from '../../src/plugins/plugins.js';
import { leaves } from '../../tools/gen/cli.js';
import { commandLines, documents, prose, spans } from './lib/documents.js';
import { files, text } from './lib/tree.js';

const captures = (file: string, pattern: RegExp): string[] =>
  [...text(file).matchAll(pattern)].map((match) => match[1] ?? '');
const sourcesBelow = (room: string, kind: string) =>
  files.filter((file) => file.startsWith(`${room}/`) && file.endsWith(kind));

/** Tables of errors and messages, the hook's and the plugins' too. */
const codes = new Set([
  ...Object.keys(errors),
  ...Object.keys(messages),
  ...captures('native/kea-hook/nnoe_messages.mes', /^% (\w+)/gm),
  ...sourcesBelow('src/plugins', '/messages.ts').flatMap((file) => captures(file, /^ {2}([A-Z_]+): \{/gm)),
]);

/** Values that events have. */
const values = new Set(captures('proto/nnoe.proto', /^ +([A-Z][A-Z0-9_]*) = \d+;/gm));

/** Variables of make and of the tools, besides those of the configuration. */
const variables = new Set([
  ...captures('Makefile', /\$[({](\w+)/g),
  ...captures('Makefile', /\b([A-Z]+)=\w+ /g),
  ...['tools/run.ts', 'test/run.ts', 'test/driver/execute.ts', 'tools/fuzz.sh', 'tools/matrix.sh'].flatMap(
    (file) => captures(file, /(?:env\.|\$\{)([A-Z_]+)/g),
  ),
  ...captures('Makefile', /v,([A-Z ]+),/g).flatMap((list) => list.split(' ')),
]);

/** Other people's. */
const foreign = new Set([
  ...[
    'KEA_HOOKS_PATH',
    'NO_COLOR',
    'FORCE_COLOR',
    'TMPDIR',
    'O_RDWR',
    'O_NONBLOCK',
    'O_DSYNC',
    'CREDENTIALS_DIRECTORY',
  ],
  ...['NOTIFY_SOCKET', 'EXTEND_TIMEOUT_USEC', 'NODE_EXTRA_CA_CERTS', 'PATH'],
]);

const all = catalogue(plugins);
/** Where a name or NAME stands for the operator's. */
const isVariable = (name: string) =>
  name.includes('_NAME') || name in otherVariables || pathOfVariable(all, name) !== undefined;

for (const document of documents) {
  test(`${document} names only codes that there are`, () => {
    const shouted = [...prose(document).matchAll(/(?<![\w-])[A-Z]+(?:_[A-Z0-9]+)+(?![\w…])/g)].map(
      ([name]) => name,
    );
    const alone = spans(document).filter((span) => /^[A-Z]{3,}$/.test(span));
    const unknown = [...shouted, ...alone].filter(
      (name) =>
        !codes.has(name) &&
        !values.has(name) &&
        !variables.has(name) &&
        !foreign.has(name) &&
        !(name.startsWith('NNOE_') && isVariable(name)),
    );
    assert.equal(unknown, []);
  });

  test(`${document} names only metrics that there are`, () => {
    const known = new Set([
      ...Object.keys(metricRows),
      ...Object.keys(notServed),
      ...plugins.flatMap((plugin) =>
        Object.entries<MetricSpec>(plugin.metrics).map(([key, spec]) => metricName(plugin.name, key, spec)),
      ),
      // Of the example in docs/plugins.md, and what is no metric but a file or a function.
      ...['nnoe_watchlist_sightings_total', 'nnoe_native', 'nnoe_messages', 'nnoe_test'],
    ]);
    const named = [...prose(document).matchAll(/(?<![\w/])nnoe_[a-z0-9_]+/g)].map(([name]) => name);
    assert.equal(
      named.filter((name) => !known.has(name)),
      [],
    );
  });
}

const commandsOf = (document: string) => [...spans(document), ...commandLines(document)];

test('every target of make that a document names is there, and so are its variables', () => {
  const targets = new Set(captures('Makefile', /^([a-z-]+):/gm));
  const wrong: string[] = [];
  let found = 0;
  for (const document of documents)
    for (const line of commandsOf(document)) {
      const [program, ...words] = line.replace(/^([A-Z_]+=\S+ )+/, '').split(/\s+/);
      if (program !== 'make' || words.length === 0) continue;
      found++;
      const given = [...line.matchAll(/\b([A-Z_]+)=/g)].map((match) => match[1] ?? '');
      const [target = ''] = words;
      if (!targets.has(target) || given.some((name) => !variables.has(name) && !foreign.has(name)))
        wrong.push(`${document}: ${line}`);
    }
  assert.ok(found > 20);
  assert.equal(wrong, []);
});

test('every nnoe command that a document names is there, and takes the options it is shown with', () => {
  const commands = leaves(makeProgram(processIo()));
  const groups = new Set(commands.map(({ path }) => path.split(' ').slice(0, 2).join(' ')));
  const wrong: string[] = [];
  let found = 0;
  for (const document of documents)
    for (const line of commandsOf(document)) {
      const words = line
        .replace(/^.*\bnode dist\/src\/cli\/nnoe\.js /, 'nnoe ')
        .replace(/^npx nnoe /, 'nnoe ')
        .split('|')[0];
      if (!words?.startsWith('nnoe ') || /^nnoe [A-Z\W]/.test(words)) continue;
      found++;
      const command = commands.findLast(({ path }) => `${words} `.startsWith(`${path} `));
      const options = [...words.matchAll(/(?<=[\s[])--?[a-z][\w-]*/g)].map(([option]) => option);
      const takes = command?.options.flatMap(({ long, short }) => [long, short]) ?? [];
      const isThere = command ? options.every((option) => takes.includes(option)) : groups.has(words);
      if (!isThere) wrong.push(`${document}: ${line}`);
    }
  assert.ok(found > 30);
  assert.equal(wrong, []);
});

test('every section and key of the configuration that a document names is there', () => {
  const known = new Set(keysOf(all).map(({ path }) => path.join('.')));
  const sections = new Set(all.map(({ path }) => path.join('.')));
  /** With a `*` where the operator names something. */
  const isThere = (path: string) => [...sections].some((each) => `${each}.`.startsWith(`${path}.`));
  const general = (path: string) =>
    path.split('.').reduce((done, step) => {
      const literal = done === '' ? step : `${done}.${step}`;
      return isThere(literal) ? literal : `${done}.*`;
    }, '');
  const wrong: string[] = [];
  // Brackets in docs/cli.md are arguments that may be left out.
  for (const document of documents.filter((each) => each !== 'docs/cli.md'))
    for (const span of spans(document)) {
      const [, section = '', key] = /^\[([a-z][\w.*-]*)\](?: ([a-z-]+))?$/.exec(span) ?? [];
      if (section === '') continue;
      const path = general(section);
      if (key === undefined ? !sections.has(path) : !known.has(`${path}.${key}`))
        wrong.push(`${document}: ${span}`);
    }
  assert.equal(wrong, []);
});

test.run();
