// SPDX-License-Identifier: MPL-2.0
// `nnoe bench`. The harness stands beside the product (bench/), which knows nothing of it and may be installed without.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from 'commander';
import { NnoeError } from '../../host/errors.js';
import { jsonOption } from '../configured.js';
import { exitStatus } from '../exit-status.js';
import type { Io } from '../io.js';
import type { NnoeCommand } from '../usage.js';

export interface BenchOptions {
  seconds?: number;
  kills?: number;
  pairs?: number;
  leases?: number;
  seed?: number;
  report?: string;
  full?: true;
  json?: true;
}

/** What the module of the harness exports. */
export interface Harness {
  /** Of the cases, in their order. */
  names: readonly string[];
  /** One line of what a case measures. */
  summary(name: string): Promise<string>;
  /** Resolves to whether every figure held its bound. `refuse` is told of an option that cannot be taken. */
  bench(names: readonly string[], options: BenchOptions, io: Io, refuse: Refuse): Promise<boolean>;
}

export type Refuse = (option: string, problem: string) => never;

const module = new URL('../../../bench/harness.js', import.meta.url);

async function harness(): Promise<Harness> {
  const file = fileURLToPath(module);
  if (!existsSync(file)) throw new NnoeError('BENCH_ABSENT', { file });
  return (await import(module.href)) as Harness;
}

export function register(program: NnoeCommand, io: Io): void {
  (program.command('bench') as NnoeCommand)
    .description(
      'Measures this machine against the bounds that NNOE promises, beside other ways of doing it.',
    )
    .argument('[case...]', 'what is measured; every case, briefly, when left out')
    .suggest('case', async () => (existsSync(module) ? (await harness()).names : []))
    .option('--list', 'print the cases and what they measure, and end')
    .option('--full', 'every case at its full length: about two hours and a half')
    .option('--seconds <n>', 'length of what is measured for a time', whole)
    .option('--pairs <n>', 'repetitions of what is compared by the clock', whole)
    .option('--kills <n>', 'SIGKILLs of the case stress, cut connections of follow', whole)
    .option('--leases <n>', 'leases of the cases walk, idle, start and scrape', whole)
    .option('--seed <n>', 'of everything random (default: 1)', whole)
    .option('--report <directory>', 'write results.json, report.md and charts there, beside earlier cases')
    .addOption(jsonOption())
    .json('NDJSON, a figure each; with --list a case each: `name` and `summary`.')
    .example('nnoe bench', 'All of it in under 40 minutes; ends with 1 when a bound was missed.')
    .example('nnoe bench verdict names --report /tmp/report', 'Two cases, with charts.')
    .example('nnoe bench hook --pairs 1 --json', 'For programs.')
    .action(async (names: string[], options: BenchOptions & { list?: true }, command: NnoeCommand) => {
      const found = await harness();
      for (const name of names)
        if (!found.names.includes(name)) command.wrong('argument [case]', name, found.names);
      if (options.list) return await list(found, options, io);
      const refuse: Refuse = (option, problem) => command.error(`option ${option}: ${problem}`);
      const held = await found.bench(names, options, io, refuse);
      io.status = held ? exitStatus.ok : exitStatus.nothing;
    });
}

async function list({ names, summary }: Harness, { json }: BenchOptions, { out }: Io): Promise<void> {
  for (const name of names) {
    if (json) await out.json({ name, summary: await summary(name) });
    else await out.line(`${out.paint.bold(name)}: ${await summary(name)}`);
  }
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number below 1000000000');
  return Number(text);
}
