// SPDX-License-Identifier: MPL-2.0
// Who asks and what is asked, the same for every way of deciding: subnets whose clients are refused, listed names that
// do not exist for anybody, and queries that are allowed. All of it follows from a seed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from './stats.js';

export const SUBNETS = 10_000;
export const NAMES = 1_000_000;
/** Different questions of the load; each of them is in the packet cache after the first round. */
export const QUESTIONS = 1_000;
/** Of the authoritative server behind, in which every name exists. */
export const ZONE = 'example';

const TOPS = [ZONE, 'com', 'net', 'org', 'de', 'io', 'info', 'test', 'shop', 'dev'];
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-';

export interface VerdictData {
  /** CIDR, one a line. */
  subnetsFile: string;
  subnets: readonly string[];
  /** Names that are listed with all below them, one a line. */
  namesFile: string;
  /** Some of them. */
  listed: readonly string[];
  /** For dnsperf: questions that nobody refuses, all of type A. */
  questionsFile: string;
  questions: readonly string[];
}

export function makeData(directory: string, seed: number): VerdictData {
  const next = random(seed);
  const subnets = makeSubnets(next);
  const names = makeNames(next);
  const questions = Array.from({ length: QUESTIONS }, (_, i) => `www.q${word(next, 8)}${i}.${ZONE}`);
  const file = (name: string, lines: readonly string[]) => {
    const path = join(directory, name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  return {
    subnets,
    subnetsFile: file('subnets', subnets),
    namesFile: file('names', names),
    listed: names.slice(0, QUESTIONS),
    questions,
    questionsFile: file(
      'questions',
      questions.map((name) => `${name} A`),
    ),
  };
}

/** A hundred of loopback, so that a client of a test can be in one; the others private, most of them /24. */
function makeSubnets(next: () => number): string[] {
  const found = new Set<string>();
  for (let i = 0; found.size < 100; i++) found.add(`127.9.${i}.0/24`);
  while (found.size < SUBNETS) {
    const length = next() < 0.8 ? 24 : 20 + Math.floor(next() * 9);
    const address = ((10 << 24) | (next() * 2 ** 24)) >>> 0;
    const network = (address & (-1 << (32 - length))) >>> 0;
    found.add(`${[24, 16, 8, 0].map((shift) => (network >>> shift) & 255).join('.')}/${length}`);
  }
  return [...found];
}

function makeNames(next: () => number): string[] {
  const names = Array.from({ length: NAMES }, (_, i) => {
    const top = TOPS[i % TOPS.length] as string;
    return `${word(next, 3)}.${word(next, 6)}${i.toString(36)}.${top}`;
  });
  return names;
}

function word(next: () => number, shortest: number): string {
  const length = shortest + Math.floor(next() * 6);
  let text = '';
  for (let i = 0; i < length; i++)
    text += LETTERS[Math.floor(next() * (i === 0 || i === length - 1 ? 26 : 37))];
  return text;
}
