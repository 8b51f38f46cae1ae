// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { above, canonicalName, ProtectedNames, usuallyProtected } from './domain.js';
import { holdReason } from './hold.js';
import { namesOf } from './protected.js';

test('a name has one spelling', () => {
  for (const [text, name] of [
    ['Example.COM.', 'example.com'],
    ['_dmarc.a-b.example', '_dmarc.a-b.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['ＢÜCHER。example', 'xn--bcher-kva.example'],
    ['com', 'com'],
    ['.', '.'],
  ] as const)
    assert.is(canonicalName(text), name, text);
});

test('what is no name is none', () => {
  const texts = [
    '',
    '..',
    'a..b',
    'a b',
    'http://a.example',
    '192.0.2.1',
    '*.a.example',
    'a\u0000.example',
    '１.2.3.4',
  ];
  const long = [`${'a'.repeat(64)}.example`, `${'a.'.repeat(126)}bcd`];
  for (const text of [...texts, ...long]) assert.is(canonicalName(text), undefined, JSON.stringify(text));
});

test('above a name are its parents, and the root', () => {
  assert.equal([...above('www.google.com')], ['google.com', 'com', '.']);
  assert.equal([...above('.')], []);
});

test('an entry covers a protected name when it would block it', () => {
  const guard = new ProtectedNames(['www.google.com']);
  assert.ok(guard.coveredBy('www.google.com', 'exact'));
  for (const name of ['www.google.com', 'google.com', 'com', '.'])
    assert.ok(guard.coveredBy(name, 'subtree'), name);
  assert.not(guard.coveredBy('google.com', 'exact'));
  assert.not(guard.coveredBy('ads.www.google.com', 'subtree'));
  assert.not(guard.coveredBy('gle.com', 'subtree'));
});

test('the names that come with the plugin are in their one spelling, and each once', () => {
  assert.equal(usuallyProtected.map(canonicalName), [...usuallyProtected]);
  assert.is(new Set(usuallyProtected).size, usuallyProtected.length);
});

test('a list that lost a share of its names is held, one that was edited is not', () => {
  assert.is(holdReason(0, 0, 0.5), undefined);
  assert.is(holdReason(100, 51, 0.5), undefined);
  assert.is(holdReason(100, 50, 0.5), 'it has 50 names, and had 100');
  assert.is(holdReason(100, 200, 0.5), undefined);
  assert.is(holdReason(10, 1, 0.5), undefined);
  assert.is(holdReason(10, 0, 0.5), 'it has no names any more, and had 10');
  assert.is(holdReason(1000, 10, 1), undefined);
  assert.is(holdReason(1000, 0, 1), 'it has no names any more, and had 1000');
});

test('a file of protected names: one a line, with comments; the first bad one is named', () => {
  assert.equal(namesOf('\ufeffA.example # ours\r\n\n# all\n'), { names: ['a.example'], wrong: undefined });
  const { names, wrong } = namesOf('a.example\nnot a name\n*.b.example\nc.example');
  assert.equal(names, ['a.example', 'c.example']);
  assert.is(wrong, 'line 2: found "not a name", expected a domain name');
});

test.run();
