// SPDX-License-Identifier: MPL-2.0
// Small parts of the compiler: names, types, addresses, actions, constants, plans.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askedInOrder } from '../actions.js';
import { nameText, nameWire } from '../name.js';
import { qtypeNumber, qtypeText } from '../qtypes.js';
import { cidrRange, clientRange } from './cidr.js';
import { namesConstant, rangesConstant, typesConstant } from './constants.js';
import { evaluate, failed } from './evaluate.js';
import { call, fromPlan, show, value } from './expression.js';

test('a text of a name has one wire form, or none', () => {
  for (const text of [
    '',
    'a',
    'www.example',
    '\\.',
    'a\\.b.c',
    '\\000\\255',
    '\\"\\$\\(\\)\\;\\@\\\\',
    '*._x',
    'xn--bcher-kva',
    `${'a'.repeat(63)}.b`,
  ]) {
    const wire = nameWire(text);
    assert.ok(wire, text);
    assert.is(nameText(wire as Buffer), text);
  }
  for (const text of [
    '.',
    'a.',
    '.a',
    'a..b',
    'A',
    'a b',
    'ü',
    '\\a',
    '\\097',
    '\\256',
    'a\\',
    '"',
    `${'a'.repeat(64)}`,
    Array.from({ length: 128 }, () => 'a').join('.'),
  ]) {
    assert.is(nameWire(text), undefined, text);
  }
});

test('every type has one text, and every such text one type', () => {
  const seen = new Set<string>();
  for (let type = 0; type < 65536; type++) {
    const text = qtypeText(type);
    assert.is(qtypeNumber(text), type);
    seen.add(text);
  }
  assert.is(seen.size, 65536);
  for (const text of ['a', 'TYPE1', 'TYPE01', 'TYPE65536', 'TYPE', '', '*', 'TYPE-1'])
    assert.is(qtypeNumber(text), undefined, text);
});

test('ranges of addresses as Go has them', () => {
  const shown = (text: string) =>
    cidrRange(text)
      ?.map((each) => each.toString('hex'))
      .join('-');
  assert.is(shown('10.1.2.3/8'), '0a000000-0affffff');
  assert.is(shown('0.0.0.0/0'), '00000000-ffffffff');
  assert.is(shown('2001:db8::/33'), '20010db8000000000000000000000000-20010db87fffffffffffffffffffffff');
  assert.is(shown('::ffff:10.0.0.0/104'), '0a000000-0affffff');
  assert.is(shown('::/0'), `${'0'.repeat(32)}-${'f'.repeat(32)}`);
  for (const text of [
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0/8',
    '010.0.0.0/8',
    'x/8',
    '::/129',
    '10.0.0.0/8/8',
    '10.0.0.0/',
  ]) {
    assert.is(cidrRange(text), undefined, text);
  }
  assert.ok(clientRange('2001:db8::1'));
  for (const text of ['2001:DB8::1', '2001:db8:0::1', '::ffff:10.0.0.1', '10.0.0.01', 'x'])
    assert.is(clientRange(text), undefined, text);
});

test('actions are asked in their order', () => {
  assert.equal(askedInOrder(['pool:b', 'drop', 'pool:a', 'redirect:x', 'allow', '*', 'view', 'redirect:*']), [
    ...['allow', 'redirect:x', 'nxdomain', 'nodata', 'refused', 'drop', 'truncate', 'pool:a', 'pool:b'],
  ]);
});

test('constants are laid out as the header says', () => {
  const types = typesConstant([28, 1, 2, 28]);
  assert.is(types.bytes.toString('hex'), '010002001c001c00');
  assert.is(types.extra, 2);
  const range = (text: string) => cidrRange(text) as [Buffer, Buffer];
  const ranges = rangesConstant(['10.0.0.0/9', '10.0.0.0/8', '9.0.0.0/8', '::1/128'].map(range));
  assert.is(ranges.bytes.readUInt32LE(0), 2, 'what lies in another is not there twice');
  assert.is(ranges.bytes.readUInt32LE(4), 1);
  assert.is(ranges.bytes.readUInt32LE(8), 0x09000000, 'sorted');
  const names = namesConstant([nameWire('a') as Buffer, nameWire('a') as Buffer, nameWire('b.c') as Buffer]);
  assert.is(names.bytes.readUInt32LE(4), 2);
  assert.is(names.bytes.length, 48 + names.bytes.readUInt32LE(0) * 8 + 3 + 5);
});

test('CEL on values', () => {
  const is = (expected: unknown, ...of: Parameters<typeof call>) =>
    assert.equal(evaluate(call(...of)), expected, show(call(...of)));
  is(true, 'or', call('@fails'), value(true));
  is(failed, 'or', call('@fails'), value(false));
  is(false, 'and', call('@fails'), value(false));
  is(failed, 'not', call('@fails'));
  is(failed, 'substring', value('abc'), value(4));
  is('', 'substring', value('abc'), value(3));
  is(2, 'lastIndexOf', value('äbä'), value('ä'));
  is(3, 'size', value('äöü'));
  is(true, 'lt', value('é'), value('￿'));
  is(failed, 'lt', value('a'), value(1));
  is(-2, 'div', value(-5), value(2));
  is(failed, 'mod', value(1), value(0));
  is(false, 'eq', value('1'), value(1));
});

test('plans are read with what is bound in them', () => {
  const plan = {
    operator: 'exists',
    operands: [
      { name: 'request.resource.attr.lists' },
      {
        operator: 'lambda',
        operands: [{ operator: 'startsWith', operands: [{ name: 'l' }, { value: 'a' }] }, { name: 'l' }],
      },
    ],
  };
  assert.is(show(fromPlan(plan)), 'exists(R.attr.lists, l -> startsWith(l, "a"))');
  const index = { operator: 'index', operands: [{ name: 'request.resource.attr' }, { value: 'qname' }] };
  assert.is(show(fromPlan(index)), 'R.attr.qname');
  assert.throws(() => fromPlan({ name: 'request.principal.id' }), /is no attribute of dns_query/);
  assert.throws(() => fromPlan({ name: 'l' }), /is no attribute/);
});

test.run();
