// SPDX-License-Identifier: MPL-2.0
// Kea's configuration as people write it: the hook goes in and out, and everything else stays byte for byte.
import { parse } from 'jsonc-parser';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NnoeError } from '../../host/errors.js';
import { addHook, removeHook } from './kea-edit.js';
import { readKea } from './kea-text.js';

const usual = { library: '/usr/lib/kea/hooks/libdhcp_etcd.so', journalDirectory: '/var/lib/kea/nnoe/dhcp4' };
const add = (text: string, wanted = {}) => addHook('kea.conf', text, 4, usual, wanted);
const remove = (text: string) => removeHook('kea.conf', text, 4).text;
const meaning = (text: string) => parse(readKea('kea.conf', text).plain, [], { allowTrailingComma: true });
const ours = { library: usual.library, parameters: { 'journal-directory': usual.journalDirectory } };

/** By what is in them, texts that Kea reads. */
const files: Record<string, string> = {
  'one line': '{"Dhcp4":{"valid-lifetime":4000}}',
  'one line with blanks': '{ "Dhcp4": { "valid-lifetime": 4000 } }\n',
  'comments of every kind': `# of the site, with a " and a {
{ // here
  /* "Dhcp4": [ */
  "Dhcp4": { # the server
    // "hooks-libraries": [],
    "valid-lifetime": 4000, # a /* day
    "option-data": [] /* none */ // yet
  } }
# the end`,
  'a comment over lines behind the brace': '{ "Dhcp4": { /* over\n lines */ "valid-lifetime": 1 } }',
  'commas too many': '{\n "Dhcp4": {\n\t"subnet4": [ {"id": 1,}, ],\n },\n}',
  'CRLF and tabs': '{\r\n\t"Dhcp4": {\r\n\t\t"valid-lifetime": 4000\r\n\t}\r\n}\r\n',
  'includes elsewhere': `{ "Dhcp4": {
    "interfaces-config": <?include "/etc/kea/interfaces.json"?>,
    "subnet4": [ <?include "a.json"?>, { <? include "b.json" ?> } ] } }`,
  'another library': `{ "Dhcp4": {
  "hooks-libraries": [
      { "library": "libdhcp_ha.so" } // and no other
  ],
  "valid-lifetime": 4000 } }`,
  'another library in the same line': '{"Dhcp4":{"hooks-libraries":[{"library":"x.so"}]}}',
  'bytes that are not UTF-8': '{ "Dhcp4": {\n  "comment": "caf\xe9" // \xff\xfe\n} }',
  'strings that look like more': '{ "Dhcp4": { "a": "# // /* \\" <?include \\"x\\"?>", "b": "]}" } }',
};

for (const [what, text] of Object.entries(files))
  test(`in and out again: ${what}`, () => {
    const { text: after, hook } = add(text);
    assert.equal(hook, usual);
    const { Dhcp4: server } = meaning(after);
    assert.equal(server['hooks-libraries'][0], ours);
    const { 'hooks-libraries': before = [], ...rest } = meaning(text).Dhcp4;
    assert.equal({ ...server, 'hooks-libraries': undefined }, { ...rest, 'hooks-libraries': undefined });
    assert.equal(server['hooks-libraries'].slice(1), before);
    assert.is(add(after).text, after, 'twice changes nothing');
    assert.is(remove(after), text, 'and out again');
    assert.is(remove(text), text, 'nothing to take out');
  });

test('an empty server, and an empty list, are filled; comments in a list keep it', () => {
  assert.is(meaning(add('{"Dhcp4":{}}').text).Dhcp4['hooks-libraries'].length, 1);
  const noted = '{\n "Dhcp4": {\n  "hooks-libraries": [\n   // none yet\n  ]\n } }';
  const filled = add(noted).text;
  assert.equal(meaning(filled).Dhcp4, { 'hooks-libraries': [ours] });
  assert.is(remove(filled), noted);
  assert.equal(meaning(remove(add('{"Dhcp4": {"hooks-libraries": [ ]} }').text)), { Dhcp4: {} });
});

test('it is taken out from between, and from the end with the comma before', () => {
  const element = JSON.stringify(ours);
  for (const [list, left] of [
    [`[{"library":"a"}, ${element}, {"library":"b"}]`, '[{"library":"a"}, {"library":"b"}]'],
    [`[{"library":"a"}, ${element}]`, '[{"library":"a"}]'],
    [`[{"library":"a"} /* a */, # b\n ${element} // c\n]`, '[{"library":"a"} /* a */ # b\n  // c\n]'],
    [`[\n{"library":"a"},\n${element},\n{"library":"b"}\n]`, '[\n{"library":"a"},\n{"library":"b"}\n]'],
    [`[ // x\n${element}, {"library":"b"}]`, '[ // x\n {"library":"b"}]'],
  ] as const)
    assert.is(remove(`{"Dhcp4":{"hooks-libraries":${list}}}`), `{"Dhcp4":{"hooks-libraries":${left}}}`);
});

test('what stands there stays, unless something else is asked for', () => {
  const text = `{ "Dhcp4": { "hooks-libraries": [ # ours:
    { "library": "/opt/libdhcp_etcd.so", // mine
      "parameters": { "journal-cap": 1, "journal-directory": "/j/4" } } ] } }`;
  assert.equal(add(text), { text, hook: { library: '/opt/libdhcp_etcd.so', journalDirectory: '/j/4' } });
  const moved = add(text, { journalDirectory: '/k "ä"', library: '/l/libdhcp_etcd.so' });
  const expected = text
    .replace('/opt/', '/l/')
    .replace('"/j/4"', Buffer.from('"/k \\"ä\\""').toString('latin1'));
  assert.is(moved.text, expected);
  const bare = '{ "Dhcp4": { "hooks-libraries": [ { "library": "libdhcp_etcd.so" } ] } }';
  assert.is(add(bare).hook?.journalDirectory, undefined, 'the hook’s own default');
  const told = meaning(add(bare, { journalDirectory: '/k' }).text).Dhcp4['hooks-libraries'];
  assert.equal(told, [{ library: 'libdhcp_etcd.so', parameters: { 'journal-directory': '/k' } }]);
  const empty = bare.replace('so" }', 'so", "parameters": { "journal-cap": 1 } }');
  const [{ parameters }] = meaning(add(empty, { journalDirectory: '/k' }).text).Dhcp4['hooks-libraries'];
  assert.equal(parameters, { 'journal-cap': 1, 'journal-directory': '/k' });
});

test('what cannot be changed without a guess is refused, with its line', () => {
  for (const [text, said] of [
    ['{ "Dhcp6": {} }', 'line 1: found no "Dhcp4", expected the configuration of kea-dhcp4'],
    ['{\n"Dhcp4": <?include "x"?> }', 'line 2: found an include as "Dhcp4", expected an object in this file'],
    ['\n<?include "x"?>', 'line 2: found an include, expected "Dhcp4" in this file'],
    [
      '{ "Dhcp4": {\n "a": 1,\n <?include "x"?> } }',
      'line 3: found an include in "Dhcp4", expected all of it',
    ],
    ['{ "Dhcp4": { "hooks-libraries": [\n <?include "x"?> ] } }', 'line 2: found an include in "hooks-libr'],
    ['{ "Dhcp4": { "hooks-libraries": <?include "x"?> } }', 'found an include as "hooks-libraries"'],
    ['{ "Dhcp4": { "hooks-libraries": {} } }', 'found an object as "hooks-libraries", expected an array'],
    ['{ "Dhcp4": [] }', 'found an array as "Dhcp4"'],
    ['{ "Dhcp4": { "a": 1\n "b": 2 } }', 'line 2: found "\\"b\\": 2 } }", expected JSON as Kea reads it'],
    ['{ "Dhcp4": {\n', 'expected JSON as Kea reads it'],
    ['', 'line 1: found the end of the file, expected JSON'],
    ['{ "Dhcp4": { \n/* } }', 'line 2: found a comment without its end, expected */'],
    ['{ "Dhcp4": { "a": "\n" } }', 'line 1: found a string without its end'],
    ['{ "Dhcp4": { <?insert "x"?> } }', 'found another directive, expected <?include "FILE"?>'],
    [
      `{ "Dhcp4": { "hooks-libraries": [${JSON.stringify(ours)},\n${JSON.stringify(ours)}] } }`,
      'a second time',
    ],
  ] as const) {
    try {
      add(text);
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, NnoeError, String(error));
      assert.ok(String(error).includes(said), `${error}: ${said}`);
    }
  }
});

test.run();
