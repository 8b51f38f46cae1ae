// SPDX-License-Identifier: MPL-2.0
// Sample and JSON Schema say what the host enforces: what one accepts the other does.
import { Ajv } from 'ajv';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue } from './catalogue.js';
import { readDocument } from './document.js';
import { parseConfig } from './load.js';
import { sampleFile, schemaFile, textReference } from './reference.js';
import { samplePlugin } from './test-support.js';

const all = catalogue([samplePlugin]);
const validate = new Ajv({ strict: true, allErrors: true }).compile(
  JSON.parse(schemaFile([samplePlugin])) as object,
);
const values = (toml: string) => readDocument(new TextEncoder().encode(toml), 'x').value;

test('the sample is the default configuration', () => {
  const sample = sampleFile(all);
  assert.equal(parseConfig(sample, [samplePlugin]), parseConfig('', [samplePlugin]));
  assert.ok(validate(values(sample)));
});

test('with every key uncommented it is valid too', () => {
  const full = sampleFile(all).replace(/^# /gm, '');
  assert.ok(validate(values(full)), JSON.stringify(validate.errors));
  // Without the section of a package that is not installed.
  const config = parseConfig(full.replace(/\n\[plugins\.first-seen\][^[]*$/, ''), [samplePlugin]);
  assert.is(config.journal.dhcp4?.family, 4);
  assert.is(config.store['password-file'], 'credential:etcd-password');
  assert.equal(config.plugins.sample, { enabled: true, config: { window: 2, mode: 'a' } });
});

const wrong: [toml: string, keyword: string][] = [
  ['colour = 1', 'additionalProperties'],
  ['node = 1', 'type'],
  ['stop.deadline = 601', 'maximum'],
  ['log.level = "loud"', 'enum'],
  ['store.root = "nnoe/"', 'pattern'],
  ['store.endpoints = []', 'minItems'],
  ['[journal.a]\nfamily = 4', 'required'],
  ['[journal.A]\nfamily = 4\ndirectory = "/j"', 'propertyNames'],
  ['[plugins.sample]\nwindow = 9', 'maximum'],
  ['[plugins.sample]\nother = 9', 'additionalProperties'],
  ['[plugins.other]\nother = 9', 'required'],
];

for (const [toml, keyword] of wrong)
  test(`the schema for editors refuses ${toml.replaceAll('\n', '; ')}`, () => {
    assert.not.ok(validate(values(toml)));
    assert.ok(
      validate.errors?.some((error) => error.keyword === keyword),
      JSON.stringify(validate.errors),
    );
    assert.throws(() => parseConfig(toml, [samplePlugin]));
  });

test('the text tells of a key what there is to know', () => {
  const text = textReference(all);
  assert.match(
    text,
    `plugins.sample.window
    How many.
    type     whole number
    range    1 to 8 batches
    default  2 batches
    variable NNOE_PLUGINS_SAMPLE_WINDOW
`,
  );
});

test.run();
