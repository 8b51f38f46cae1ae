// SPDX-License-Identifier: MPL-2.0
// What can be done with a query: from the text that configurations and policies write to what the actions section
// holds (native/shm/tables/actions.h), and its number. Numbers are those of the last generation for as long as a
// section of before that may refer to them is in force; then what nobody asked for since gives its number back.
import { parseAddress } from '../address.js';
import type { AnswerConfig } from '../config.js';
import { NnoeError } from '../errors.js';

/** As Act in native/shm/tables/verdict.h, which a test compares. */
export const Act = {
  allow: 0,
  drop: 1,
  nxdomain: 2,
  refused: 3,
  nodata: 4,
  truncate: 5,
  redirect: 6,
  pool: 7,
} as const;
export type ActName = keyof typeof Act;

export const mostActions = 1024;
const noExtendedError = 0xffff;

/** One action as the section holds it. */
export interface ActionRecord {
  act: number;
  /** s; of a negative answer also its SOA's minimum. */
  ttl: number;
  /** 4 bytes each. */
  a: Buffer;
  /** 16 bytes each. */
  aaaa: Buffer;
  /** Wire form; empty: none. */
  cname: Buffer;
  pool: string;
  /** Info code of RFC 8914; 65535: none. */
  ede: number;
  edeText: string;
}

/** Who decided, which says what the extended error tells the client. */
export type Decider = 'list' | 'policy';

/** RFC 8914: 15 Blocked, 17 Filtered, 4 Forged Answer. */
const extendedErrors: Record<Decider, number> = { list: 15, policy: 17 };
const forged = 4;

export interface AnswerDefaults {
  /** Of negative answers, s. */
  ttl: number;
  extendedErrors: boolean;
}

const plain: readonly string[] = ['allow', 'drop', 'nxdomain', 'refused', 'nodata', 'truncate'];
const answering: readonly string[] = ['nxdomain', 'refused', 'nodata'];
const poolName = /^[A-Za-z0-9_.-]{1,64}$/;

/** @throws NnoeError TABLES_INVALID. */
export function parseAction(
  text: string,
  decider: Decider,
  answers: Readonly<Record<string, AnswerConfig>>,
  defaults: AnswerDefaults,
): ActionRecord {
  const colon = text.indexOf(':');
  const kind = colon === -1 ? text : text.slice(0, colon);
  const target = colon === -1 ? undefined : text.slice(colon + 1);
  const base = { ttl: 0, a: none, aaaa: none, cname: none, pool: '', ede: noExtendedError, edeText: '' };
  const explained = (code: number) => (defaults.extendedErrors ? code : noExtendedError);
  if (target === undefined && plain.includes(kind)) {
    const act = Act[kind as ActName];
    if (!answering.includes(kind)) return { ...base, act };
    return { ...base, act, ttl: defaults.ttl, ede: explained(extendedErrors[decider]) };
  }
  if (kind === 'pool' && target !== undefined && poolName.test(target))
    return { ...base, act: Act.pool, pool: target };
  if (kind === 'redirect' && target !== undefined && Object.hasOwn(answers, target))
    return {
      ...base,
      ...answerParts(answers[target] as AnswerConfig),
      act: Act.redirect,
      ede: explained(forged),
    };
  throw refusal(kind, text, answers);
}

const none = Buffer.alloc(0);

function refusal(kind: string, text: string, answers: Readonly<Record<string, AnswerConfig>>): NnoeError {
  const names = Object.keys(answers);
  const known =
    names.length === 0 ? 'a section [answers.NAME], of which there is none' : `one of ${names.join(', ')}`;
  const expected =
    kind === 'redirect'
      ? `redirect: and ${known}`
      : kind === 'pool'
        ? 'pool: and a name of 1 to 64 letters, digits, _, . and -'
        : `${plain.join(', ')}, redirect:NAME or pool:NAME`;
  return new NnoeError('TABLES_INVALID', {
    what: 'action',
    found: JSON.stringify(text).slice(0, 120),
    expected,
  });
}

/** @param answer as the configuration's schema made it. */
function answerParts({ a, aaaa, cname, ttl }: AnswerConfig) {
  const bytes = (all: readonly string[]) => Buffer.concat(all.map((text) => parseAddress(text) ?? none));
  return { ttl, a: bytes(a), aaaa: bytes(aaaa), cname: cname === undefined ? none : wireName(cname) };
}

/** Of a name of letters, digits, `-` and `_`, as the schema lets through. */
export function wireName(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label.toLowerCase(), 'latin1')]),
    Buffer.from([0]),
  ]);
}

const keyOf = ({ act, ttl, a, aaaa, cname, pool, ede, edeText }: ActionRecord) =>
  JSON.stringify([
    act,
    ttl,
    a.toString('hex'),
    aaaa.toString('hex'),
    cname.toString('hex'),
    pool,
    ede,
    edeText,
  ]);

const allow: ActionRecord = {
  act: Act.allow,
  ttl: 0,
  a: none,
  aaaa: none,
  cname: none,
  pool: '',
  ede: noExtendedError,
  edeText: '',
};

export class ActionNumbers {
  readonly #records: ActionRecord[];
  readonly #numbers = new Map<string, number>();
  /** Of the last generation of before, and not asked for since. */
  readonly #unclaimed: Set<number>;
  /** Nothing of before is in force any more that could refer to those. */
  #reusable = false;
  #version = 0;

  /** @param known of the last generation, by number. */
  constructor(known: readonly ActionRecord[] = []) {
    this.#records = known.length === 0 ? [allow] : [...known];
    for (const [id, record] of this.#records.entries()) this.#numbers.set(keyOf(record), id);
    this.#unclaimed = new Set(this.#records.keys());
    this.#unclaimed.delete(0);
  }

  /** Another one when the records are others. */
  get version(): number {
    return this.#version;
  }

  get records(): readonly ActionRecord[] {
    return this.#records;
  }

  /** Says that no section of before is in force any more. */
  forgetUnclaimed(): void {
    this.#reusable = true;
  }

  /** @throws NnoeError TABLES_FULL. */
  number(record: ActionRecord): number {
    const key = keyOf(record);
    const known = this.#numbers.get(key);
    if (known !== undefined) {
      this.#unclaimed.delete(known);
      return known;
    }
    const id = this.#place();
    this.#numbers.delete(keyOf(this.#records[id] ?? record));
    this.#records[id] = record;
    this.#version++;
    this.#numbers.set(key, id);
    return id;
  }

  #place(): number {
    if (this.#reusable)
      for (const id of this.#unclaimed) {
        this.#unclaimed.delete(id);
        return id;
      }
    if (this.#records.length < mostActions) return this.#records.length;
    throw new NnoeError('TABLES_FULL', { what: 'another action', most: mostActions });
  }
}
