// SPDX-License-Identifier: MPL-2.0
// One site for tables and for Cerbos: who asks with which roles, what is listed, the policy, and the questions.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressText } from '../../src/host/address.js';
import { nameText, nameWire } from '../../src/plugins/policies/name.js';
import type { QueryAttributes } from '../../src/plugins/policies/pdp/pdp.js';
import { qtypeText } from '../../src/plugins/policies/qtypes.js';
import { random } from './stats.js';

export const QUESTIONS = 5_000;
export const LISTED = 10_000;
const lists = ['ads', 'adult', 'malware'] as const;

/** By the second byte of the client's address, 10.x.0.0/16. */
export const roleSets: readonly (readonly string[])[] = [
  ['staff'],
  ['guest'],
  ['kids'],
  ['iot'],
  ['admin', 'staff'],
  ['guest', 'iot'],
];

const rule = (roles: readonly string[], actions: readonly string[], expr: string, effect = 'ALLOW') => ({
  actions,
  effect: `EFFECT_${effect}`,
  roles,
  condition: { match: { expr } },
});

/** What an operator might write, by every kind of attribute. */
export const policy = JSON.stringify({
  apiVersion: 'api.cerbos.dev/v1',
  resourcePolicy: {
    resource: 'dns_query',
    version: 'default',
    rules: [
      rule(['admin'], ['allow'], 'true'),
      rule(['staff'], ['allow'], '!("malware" in R.attr.lists) && !(R.attr.qtype in ["ANY", "HINFO"])'),
      rule(['staff'], ['nodata'], 'R.attr.qtype in ["ANY", "HINFO"]'),
      rule(['guest'], ['allow'], 'R.attr.lists == [] && !R.attr.qname.endsWith(".corp.example")'),
      rule(['guest'], ['nxdomain'], '"ads" in R.attr.lists'),
      rule(
        ['kids'],
        ['allow'],
        '!R.attr.lists.exists(l, l == "adult" || l == "malware") && !R.attr.qname.contains("casino")',
      ),
      rule(['kids'], ['nxdomain'], 'R.attr.qname.contains("casino")'),
      rule(
        ['iot'],
        ['allow'],
        'R.attr.qname == "vendor.example" || R.attr.qname.endsWith(".vendor.example")',
      ),
      rule(['iot'], ['drop'], 'R.attr.client.inIPAddrRange("10.3.128.0/17")'),
    ],
  },
});

export interface SiteQuestion {
  roleSet: number;
  query: QueryAttributes;
  address: Buffer;
  name: Buffer;
  type: number;
}

export interface Site {
  /** A file of names by list. */
  lists: ReadonlyMap<string, string>;
  questions: readonly SiteQuestion[];
  questionsFile: string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-';

/** Everything follows from the seed. */
export function makeSite(directory: string, seed: number): Site {
  const next = random(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(of: readonly T[]): T => of[below(of.length)] as T;
  const word = (shortest: number) => {
    const length = shortest + below(8);
    return Array.from({ length }, (_, i) => LETTERS[below(i === 0 || i === length - 1 ? 26 : 37)]).join('');
  };
  const listed = Array.from({ length: LISTED }, (_, i) => ({
    name: `${word(4)}${i}.test`,
    lists: lists.filter(() => next() < 0.4),
  }));
  const files = new Map(
    lists.map((list) => {
      const file = join(directory, list);
      const names = listed.filter((each) => each.lists.includes(list)).map(({ name }) => name);
      writeFileSync(file, `${names.join('\n')}\n`);
      return [list, file];
    }),
  );
  const plain = ['corp.example', 'vendor.example', 'casino.example', 'shop.example', 'news.test'];
  const types = [1, 1, 1, 28, 28, 65, 16, 15, 255, 13];
  const questions = Array.from({ length: QUESTIONS }, (): SiteQuestion => {
    const entry = next() < 0.4 ? pick(listed) : undefined;
    const parent = entry?.name ?? pick(plain);
    const text = next() < 0.2 ? parent : `${word(3)}.${parent}`;
    const roleSet = below(roleSets.length);
    const address = Buffer.from([10, roleSet, below(256), below(256)]);
    const type = pick(types);
    const name = nameWire(text);
    if (name === undefined) throw new Error(`no name: ${text}`);
    const on = [...(entry?.lists ?? [])].sort();
    const query = { qname: nameText(name), qtype: qtypeText(type), client: addressText(address), lists: on };
    return { roleSet, query, address, name, type };
  });
  const questionsFile = join(directory, 'questions');
  const lines = questions.map(
    ({ address, name, type }) => `${address.toString('hex')} ${name.toString('hex')} ${type}`,
  );
  writeFileSync(questionsFile, `${lines.join('\n')}\n`);
  return { lists: files, questions, questionsFile };
}
