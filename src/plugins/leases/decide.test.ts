// SPDX-License-Identifier: MPL-2.0
// The ownership matrix: two nodes, one address.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Claim, decide, type Verdict } from './decide.js';
import type { Stored } from './stored.js';

const claim = (fields: Partial<Claim>): Claim => ({
  kind: 'put',
  node: 'a',
  seq: 100,
  cltt: 1000,
  identity: 'c01:01',
  ...fields,
});

const stored = (fields: Partial<Stored>): Stored => ({
  node: 'a',
  seq: 50,
  state: 0,
  cltt: 900,
  expiresAt: 4500,
  subnetId: 1,
  word: 'offer',
  timestamp: 900,
  identity: 'c01:01',
  ...fields,
});

const puts: [string, Partial<Claim>, Stored | undefined, Verdict][] = [
  ['nothing there', {}, undefined, 'write'],
  ['own, older', {}, stored({}), 'write'],
  ['own, newer', {}, stored({ seq: 101 }), 'skip'],
  ['own, this very one', {}, stored({ seq: 100 }), 'done'],
  ['own, older, of another client', {}, stored({ identity: 'c02' }), 'write'],
  ['another node, older cltt', {}, stored({ node: 'b', seq: 999, cltt: 999 }), 'write'],
  ['another node, same cltt: whoever wrote it stays', {}, stored({ node: 'b', cltt: 1000 }), 'skip'],
  ['another node, newer cltt', {}, stored({ node: 'b', seq: 1, cltt: 1001 }), 'skip'],
  ['another node, its seq means nothing', {}, stored({ node: 'b', seq: 100, cltt: 999 }), 'write'],
  ['the original’s agent, same cltt', {}, stored({ node: undefined, cltt: 1000 }), 'write'],
  ['the original’s agent, newer cltt', {}, stored({ node: undefined, cltt: 1001 }), 'skip'],
];

for (const [name, fields, current, verdict] of puts)
  test(`put: ${name}`, () => assert.is(decide(claim(fields), current), verdict));

const removals: [string, Partial<Claim>, Stored | undefined, Verdict][] = [
  ['nothing there', {}, undefined, 'skip'],
  ['own, older, same client', {}, stored({}), 'write'],
  ['own, older, another client', {}, stored({ identity: 'c02' }), 'skip'],
  ['own, newer', {}, stored({ seq: 101 }), 'skip'],
  ['own announcement, not yet deleted', {}, stored({ seq: 100, word: 'release' }), 'done'],
  ['another node, same client, older', {}, stored({ node: 'b', cltt: 900 }), 'write'],
  ['another node, same client, same cltt: both reclaim', {}, stored({ node: 'b', cltt: 1000 }), 'write'],
  ['another node renewed it: the stale node may not', {}, stored({ node: 'b', cltt: 1001 }), 'skip'],
  ['another node, another client', {}, stored({ node: 'b', cltt: 900, identity: 'c02' }), 'skip'],
  ['declined: nobody’s', { identity: '' }, stored({ identity: '' }), 'write'],
  ['declined, but leased again', { identity: '' }, stored({}), 'skip'],
  ['a value that is not JSON', {}, stored({ node: undefined, seq: 0, cltt: 0, identity: '' }), 'skip'],
];

for (const [name, fields, current, verdict] of removals)
  test(`removal: ${name}`, () => assert.is(decide(claim({ kind: 'remove', ...fields }), current), verdict));

test.run();
