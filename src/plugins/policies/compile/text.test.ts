// SPDX-License-Identifier: MPL-2.0
// Conditions on texts: the table that is compiled says the same as CEL evaluated on the text itself.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run, toDfa } from './dfa.js';
import { evaluate } from './evaluate.js';
import { call, type Expr, show, value } from './expression.js';
import { replace } from './rewrite.js';
import { outcome, TextCondition } from './text.js';

const q: Expr = { kind: 'attribute', name: 'qname' };
const each: Expr = { kind: 'variable', name: 'l' };
const lambda = (body: Expr): Expr => ({ kind: 'lambda', bodies: [body], variables: ['l'] });
const parts = call('split', q, value('.'));
const texts = [
  '',
  'a',
  'aa',
  '.',
  'a.b',
  'www.example',
  'ads.www.example',
  '..',
  'exex.ex',
  'xexa',
  'w-w.0',
  '\\.a',
  'a.a.a.a',
  'www.',
  'z'.repeat(80),
];

const conditions: Expr[] = [
  call('eq', call('upperAscii', q), value('WWW.EXAMPLE')),
  call('eq', call('lowerAscii', q), value('aa')),
  call('startsWith', call('substring', q, value(2)), value('w.')),
  call('eq', call('substring', q, value(1), value(3)), value('ww')),
  call('eq', call('substring', q, value(3), value(1)), value('')),
  call('in', call('charAt', q, value(1)), value(['', 'a', 'w'])),
  call('eq', call('replace', q, value('ex'), value('x')), value('xx.x')),
  call('contains', call('replace', q, value('.'), value('')), value('aa')),
  call('eq', call('index', parts, value(1)), value('www')),
  call('eq', call('index', parts, value(0)), value('')),
  call('gt', call('size', parts), value(2)),
  call('lt', call('indexOf', q, value('ex')), value(3)),
  call('eq', call('indexOf', q, value('.')), value(-1)),
  call('ge', call('lastIndexOf', q, value('a')), value(4)),
  call('eq', call('lastIndexOf', q, value('ex')), value(2)),
  call('eq', call('mod', call('size', q), value(3)), value(0)),
  call('eq', call('div', value(6), call('size', q)), value(2)),
  call('exists', parts, lambda(call('eq', each, value('example')))),
  call('all', parts, lambda(call('lt', call('size', each), value(4)))),
  call('exists_one', parts, lambda(call('contains', each, value('a')))),
  call('all', parts, lambda(call('ne', call('charAt', each, value(0)), value('w')))),
  call('exists', parts, lambda(call('eq', call('charAt', each, value(2)), value('w')))),
  call('in', value('www'), parts),
  call('lt', q, value('b')),
  call('ge', value('ads'), q),
  call('contains', value('www.example.org'), q),
  call('endsWith', value('www.example'), q),
  call('eq', call('add', q, value('!')), value('aa!')),
  call('startsWith', call('add', value('x.'), q), value('x.www')),
  call('not', call('or', call('eq', q, value('a')), call('matches', q, value('^w+')))),
  call(
    'if',
    call('startsWith', q, value('w')),
    call('endsWith', q, value('e')),
    call('contains', q, value('x')),
  ),
  call('eq', call('trim', q), value('a.b')),
  call('gt', call('add', call('size', q), value(1)), value(5)),
];

for (const condition of conditions) {
  const { operator } = condition as { operator: string };
  test(show(condition), () => {
    const dfa = toDfa(new TextCondition(q).machine(condition), operator);
    const outcomes = new Set<number>();
    for (const text of texts) {
      const expected = outcome(evaluate(replace(condition, q, value(text))));
      outcomes.add(expected);
      assert.is(run(dfa, text), expected, `${JSON.stringify(condition)} on ${JSON.stringify(text)}`);
    }
    assert.ok(outcomes.size > 1 || operator === 'eq', 'the texts make a difference');
  });
}

test('what is not a condition on one text is refused, by name', () => {
  const refused = (e: Expr, operator: string) =>
    assert.throws(
      () => new TextCondition(q).machine(e),
      (error: Error & { operator?: string }) => error.operator === operator,
    );
  refused(call('eq', call('reverse', q), value('a')), 'eq');
  refused(call('gt', call('int', q), value(1)), 'gt');
  refused(call('eq', q, call('lowerAscii', q)), 'eq');
  refused(call('exists', parts, lambda(call('eq', each, q))), 'exists');
});

test.run();
