// SPDX-License-Identifier: MPL-2.0
// Compiled verdicts through the C interface, beside the same decisions asked of a real Cerbos over gRPC, fifty at a time.
// Both have to give the same answers.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { askedInOrder } from '../../src/plugins/policies/actions.js';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { check, checkBatch } from '../../src/plugins/policies/pdp/pdp.js';
import { factsOf, parseSource } from '../../src/plugins/policies/source.js';
import { bridgeLibrary } from '../lib/bridge-library.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import {
  LISTED,
  makeSite,
  policy,
  QUESTIONS,
  roleSets,
  type Site,
  type SiteQuestion,
} from '../lib/pdp-site.js';
import { driver, run, withDirectory } from '../lib/run.js';
import { median, spread, summary } from '../lib/stats.js';
import { OTHERWISE, publishPolicy, withTables } from '../lib/verdict-tables.js';

const COMPILED = 20_000_000;
/** Batches under way at once: one, and as many as make Cerbos no faster with more. */
const ONE = 1;
const MANY = 8;

/** As native/dnsdist-bridge/nnoe.h numbers them. */
const acts = ['allow', 'drop', 'nxdomain', 'refused', 'nodata', 'truncate', 'redirect', 'pool'];
const byPolicy = 3;

async function publish(directory: string, site: Site, pdp: EmbeddedPdp): Promise<void> {
  const signal = new AbortController().signal;
  const fail = (error: unknown): void => {
    throw error;
  };
  await withTables(directory, ['roles', 'names', 'programs'], async (service) => {
    const roles = service.open('roles', signal, fail);
    const names = service.open('names', signal, fail);
    await roles.replace(roleSets.map((set, i) => ({ prefix: `10.${i}.0.0/16`, roles: set })));
    // Nobody is held to them: they are the policies' to look at.
    names.define([...site.lists.keys()].map((name) => ({ name, kind: 'block' })));
    for (const [name, path] of site.lists)
      await names.load(name, { path, format: 'domains', subdomains: true });
    await publishPolicy(service, policy, pdp, { roleSets: roleSets.length + 1, lists: site.lists.size });
  });
}

interface Compiled {
  /** A second. */
  rate: number;
  /** Acts by question. */
  answers: string[];
}

async function compiled(directory: string, site: Site): Promise<Compiled> {
  const decisions = `${directory}.decisions`;
  mkdirSync(decisions, { recursive: true });
  const args = [bridgeLibrary, directory, decisions, site.questionsFile, String(COMPILED)];
  const [head = '', ...lines] = (await run(driver('pdp_bench'), args)).trim().split('\n');
  const answers = lines.map((line) => {
    const [act, reason] = line.split(' ').map(Number);
    if (reason !== byPolicy) throw new Error(`a verdict that is no policy's: ${line}`);
    return acts[act as number] as string;
  });
  return { rate: (JSON.parse(head) as { rate: number }).rate, answers };
}

/** Fifty of one set of roles each, the most of a request, which has one principal. */
function batches(questions: readonly SiteQuestion[]): { roleSet: number; at: number[] }[] {
  return roleSets.flatMap((_, roleSet) => {
    const own = questions.flatMap((question, i) => (question.roleSet === roleSet ? [i] : []));
    return Array.from({ length: Math.ceil(own.length / checkBatch) }, (__, i) => ({
      roleSet,
      at: own.slice(i * checkBatch, (i + 1) * checkBatch),
    }));
  });
}

async function asked(
  pdp: EmbeddedPdp,
  questions: readonly SiteQuestion[],
  atOnce: number,
): Promise<Compiled> {
  const actions = askedInOrder(factsOf([parseSource('policy', policy)]).actions);
  const waiting = batches(questions);
  const answers: string[] = [];
  const work = async () => {
    for (let batch = waiting.pop(); batch !== undefined; batch = waiting.pop()) {
      const { roleSet, at } = batch;
      const queries = at.map((i) => (questions[i] as SiteQuestion).query);
      const granted = await check(pdp.client, [...(roleSets[roleSet] ?? [])], actions, queries);
      at.forEach((question, i) => {
        answers[question] = actions.find((action) => granted[i]?.has(action)) ?? OTHERWISE;
      });
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, work));
  return { rate: questions.length / ((performance.now() - began) / 1000), answers };
}

function compare(
  questions: readonly SiteQuestion[],
  ours: readonly string[],
  theirs: readonly string[],
): void {
  questions.forEach(({ query, roleSet }, i) => {
    if (ours[i] !== theirs[i])
      throw new Error(`${JSON.stringify(query)} of ${roleSets[roleSet]}: ${ours[i]}, Cerbos ${theirs[i]}`);
  });
  for (const act of ['allow', 'nxdomain', 'nodata', 'refused', 'drop'])
    if (ours.filter((answer) => answer === act).length < QUESTIONS / 100)
      throw new Error(`hardly any answer is ${act}`);
}

async function measureIn(directory: string, options: CaseOptions): Promise<Record<string, Measured>> {
  const site = makeSite(directory, options.seed);
  const tables = join(directory, 'tables');
  const pdp = new EmbeddedPdp(join(directory, 'pdp'), { ended: () => undefined, restarted: () => undefined });
  try {
    await pdp.started();
    options.say(`pdp: ${QUESTIONS} questions`);
    await publish(tables, site, pdp);
    // Cerbos compiles what it is asked about when it is asked first.
    await asked(pdp, site.questions, ONE);
    const rates: number[] = [];
    const theirs: number[] = [];
    const crowded: number[] = [];
    for (let i = 0; i < (options.pairs ?? 3); i++) {
      const ours = await compiled(tables, site);
      const one = await asked(pdp, site.questions, ONE);
      const many = await asked(pdp, site.questions, MANY);
      compare(site.questions, ours.answers, one.answers);
      compare(site.questions, ours.answers, many.answers);
      rates.push(ours.rate);
      theirs.push(one.rate);
      crowded.push(many.rate);
    }
    const beside = (by: readonly number[], name: string): Measured => ({
      ...summary(rates.map((rate, i) => rate / (by[i] as number))),
      alternative: { name, value: median(by), as: { unit: 'verdicts/s', ours: median(rates) } },
    });
    return {
      compiled: { value: median(rates) / 1e6, spread: spread(rates.map((rate) => rate / 1e6)) },
      asked: { value: median(theirs), spread: spread(theirs) },
      'asked at once': { value: median(crowded), spread: spread(crowded) },
      ratio: beside(theirs, 'Cerbos, asked in batches'),
      'ratio at once': beside(crowded, 'Cerbos, asked at once'),
    };
  } finally {
    await pdp.stop();
  }
}

const SITE = `${QUESTIONS} questions of ${roleSets.length} sets of roles, ${LISTED} names on three lists, nine rules`;

const pdp: BenchCase = {
  summary: 'compiled verdicts beside the same decisions asked of Cerbos in batches',
  figures: [
    {
      name: 'ratio',
      unit: 'times',
      alternative: true,
      bound: { relation: '>=', value: 1000 },
      method: `compiled to asked; every answer is the same on both sides; ${SITE}`,
    },
    { name: 'ratio at once', unit: 'times', alternative: true, method: 'compiled to asked at once' },
    {
      name: 'compiled',
      unit: 'M/s',
      method:
        'one thread through the C interface, client and lists included, counted and recorded; processor time',
    },
    {
      name: 'asked',
      unit: '/s',
      method: `Cerbos over gRPC on a unix socket, batches of ${checkBatch}, one after the other; wall time`,
    },
    {
      name: 'asked at once',
      unit: '/s',
      method: `the same, ${MANY} batches under way at once, on all cores`,
    },
  ],
  brief: { pairs: 2 },
  run: (options) => withDirectory((directory) => measureIn(directory, options)),
};

export default pdp;
