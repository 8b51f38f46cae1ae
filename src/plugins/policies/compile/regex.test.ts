// SPDX-License-Identifier: MPL-2.0
// Patterns against JavaScript's RegExp, where both mean the same; what RE2 has of its own is spelled out.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run, toDfa } from './dfa.js';
import { matches } from './regex-machine.js';

const dfa = (pattern: string) => toDfa(matches(pattern), 'matches');
const holds = (pattern: string, text: string) => run(dfa(pattern), text) === 1;

/** Numbers that repeat themselves. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield (state >>> 8) / 2 ** 24;
  }
}

const pieces = [
  'a',
  'b',
  '.',
  '\\.',
  '[ab]',
  '[^a]',
  '\\d',
  '\\w',
  '\\W',
  '(a|b)',
  '(?:ab)',
  '^',
  '$',
  '\\b',
  '\\B',
  '[a-c0-2]',
  '-',
];
const counts = ['', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,1}', '{2,}', '*?', '+?'];
const letters = 'ab.c0-_1';

test('random patterns match as JavaScript has it', () => {
  const random = numbers(5);
  const next = (limit: number) => Math.floor((random.next().value as number) * limit);
  let matched = 0;
  for (let round = 0; round < 150; round++) {
    let pattern = '';
    for (let left = 1 + next(5); left > 0; left--) {
      const piece = pieces[next(pieces.length)] as string;
      // RE2 repeats an empty match, JavaScript refuses to.
      pattern += piece + (/^(\^|\$|\\[bB])$/.test(piece) ? '' : counts[next(counts.length)]);
      if (next(8) === 0) pattern += '|';
    }
    const table = dfa(pattern);
    const expected = new RegExp(pattern, 'u');
    for (let i = 0; i < 40; i++) {
      const text = Array.from({ length: next(9) }, () => letters[next(letters.length)]).join('');
      const says = run(table, text) === 1;
      assert.is(says, expected.test(text), `${pattern} on ${JSON.stringify(text)}`);
      if (says) matched++;
    }
  }
  assert.ok(matched > 500);
});

const known: [pattern: string, matching: string[], other: string[]][] = [
  ['(?i)AdS', ['ads', 'xADSx'], ['ad']],
  ['(?i:a)b', ['Ab'], ['AB']],
  ['a(?i)b|c', ['aB', 'C'], ['Ab']],
  ['(?-i)a', ['a'], ['A']],
  ['(?P<x>a)(?<y>b)', ['ab'], ['a']],
  ['\\Qa.b\\E', ['a.b'], ['axb']],
  ['\\x61\\x{62}\\143', ['abc'], ['abd']],
  ['[[:alpha:]][[:^digit:]]', ['a.'], ['a1', '11']],
  ['\\pL\\PN\\p{Lu}', ['a.B'], ['a1B', 'a.b']],
  ['\\p{Greek}|\\p{^Latin}', ['1'], ['a']],
  ['^[]a]$', [']', 'a'], ['b']],
  ['^[a\\-z]$', ['-', 'a', 'z'], ['b']],
  ['^[+--]$', ['+', ',', '-'], ['.', '*']],
  ['[\\d-z]', ['-', '5', 'z'], ['a']],
  ['\\Aa\\z', ['a'], ['ba', 'ab']],
  ['(?m)^a$', ['a'], ['ba']],
  ['a{,2}', ['a{,2}'], ['aa']],
  ['x{2}{', ['xx{'], ['xx']],
  ['(?i)\\x{212a}', ['k', 'K'], ['x']],
  ['\\x{212a}', [], ['k']],
  ['(?i)[\\x{17f}]', ['s', 'S'], ['x']],
  ['[^\\x{100}]', ['a'], []],
  ['é', [], ['e']],
  ['', ['', 'a'], []],
  ['()|a', ['b'], []],
  ['(^|x)*a', ['a', 'ba'], ['b']],
  ['a$b', [], ['ab']],
];

test('what RE2 has of its own', () => {
  for (const [pattern, matching, other] of known) {
    for (const text of matching) assert.ok(holds(pattern, text), `${pattern} on ${text}`);
    for (const text of other) assert.not(holds(pattern, text), `${pattern} on ${text}`);
  }
});

test('what RE2 refuses is refused', () => {
  const bad = [
    ...[
      '(',
      ')',
      '[',
      '[a',
      'a**',
      'a{2}{3}',
      '*',
      '+a',
      '(?P<a>x)(?P<a>y)',
      '(?=a)',
      '(?<!a)',
      '\\1',
      '\\k',
      '\\Z',
      '\\C',
    ],
    ...[
      '[b-a]',
      '[[:foo:]]',
      '\\p{Nope}',
      'a{1001}',
      '(a{40}){40}',
      '\\x{110000}',
      '\\xg',
      '(?z)',
      '(?P<n',
      '{2}',
      'a{2,1}',
    ],
  ];
  for (const pattern of bad)
    assert.throws(
      () => dfa(pattern),
      (error: Error) => error.name === 'Refused',
      pattern,
    );
});

test('a table that would be too large is refused', () => {
  assert.throws(() => dfa('a.{15}b'), /more than 8192 states/);
  assert.ok(dfa('a.{8}b').states > 100);
});

test.run();
