// SPDX-License-Identifier: MPL-2.0
// Runs cases one after the other. Only results go to standard output.
import type { BenchOptions, Harness, Refuse } from '../src/cli/commands/bench.js';
import type { Io } from '../src/cli/io.js';
import { tellLast, tellNothing } from '../test/daemons/lib/process.js';
import { type CaseName, cases } from './cases.js';
import { type CaseOptions, holds, type Lengths, type Result, usual } from './lib/figures.js';
import { load, machine, versions } from './lib/machine.js';
import { watchOthers } from './lib/others.js';
import { jsonLine, table } from './lib/report.js';
import { ReportDirectory } from './report/directory.js';
import { type CaseResults, type Circumstances, figureResults } from './report/schema.js';

export const names: Harness['names'] = Object.keys(cases);

export const summary: Harness['summary'] = async (name) => (await cases[name as CaseName]()).default.summary;

export const bench: Harness['bench'] = async (wanted, options, io, refuse) => {
  const directory = reportDirectory(options, refuse);
  const run = new Run(options, wanted.length === 0 && !options.full, io);
  await run.introduce();
  let ok = true;
  for (const name of (wanted.length === 0 ? names : wanted) as CaseName[]) {
    const { results, kept } = await run.measure(name);
    ok &&= results.every((result) => holds(result));
    if (options.json) await io.out.write(`${results.map(jsonLine).join('\n')}\n`);
    else await io.out.write(`\n${name}\n${table(results)}\n`);
    if (directory !== undefined && !(await put(directory, name, kept, io))) ok = false;
  }
  return ok;
};

/** Before anything is measured: what cannot be written is to be known now. */
function reportDirectory({ report }: BenchOptions, refuse: Refuse): ReportDirectory | undefined {
  if (report === undefined) return undefined;
  if (report === '') refuse('--report', 'found nothing, expected a directory');
  try {
    return new ReportDirectory(report, names);
  } catch (error) {
    return refuse('--report', (error as Error).message);
  }
}

/** Whether it could be written; a case that was measured has been printed all the same. */
async function put(
  directory: ReportDirectory,
  name: string,
  kept: CaseResults,
  { err }: Io,
): Promise<boolean> {
  try {
    directory.put(name, kept);
    return true;
  } catch (error) {
    await err.line(`${name}: not in the report: ${(error as Error).message}`);
    return false;
  }
}

class Run {
  readonly #machine = machine();
  readonly #load = load();
  readonly #versions = versions();

  constructor(
    readonly options: BenchOptions,
    readonly brief: boolean,
    readonly io: Io,
  ) {}

  async introduce(): Promise<void> {
    const { err } = this.io;
    await err.line(`${this.#machine}; load average at start ${this.#load.toFixed(2)}`);
    const programs = Object.entries(this.#versions).map(
      ([name, version]) => `${name} ${version ?? 'absent'}`,
    );
    await err.line(programs.join(', '));
  }

  async measure(name: CaseName): Promise<{ results: Result[]; kept: CaseResults }> {
    const { default: benchCase } = await cases[name]();
    const say = (line: string) => void this.io.err.line(line);
    const lengths = { ...(this.brief && benchCase.brief), ...this.#given() };
    const options: CaseOptions = {
      ...usual,
      ...lengths,
      brief: this.brief,
      seed: this.options.seed ?? 1,
      say,
    };
    say(`${name}: ${benchCase.summary}`);
    const others = watchOthers();
    const [date, began] = [new Date().toISOString(), performance.now()];
    let measured: Awaited<ReturnType<typeof benchCase.run>> = {};
    let failed: string | null = null;
    try {
      measured = await benchCase.run(options);
    } catch (error) {
      failed = (error as Error).message ?? String(error);
      say(`${name}: failed: ${(error as Error).stack ?? error}`);
      // Of use now; after a bound that was only missed it is not.
      tellLast();
    }
    tellNothing();
    const seconds = (performance.now() - began) / 1000;
    const share = others();
    say(
      `${name}: took ${seconds.toFixed(0)} s; meanwhile other work took ${share.toFixed(0)} % of the machine`,
    );
    const { brief } = this;
    const results = benchCase.figures.map((spec) => ({
      case: name,
      spec,
      brief,
      measured: measured[spec.name],
    }));
    const run = this.#circumstances(date, options.seed, lengths);
    const figures = results.map(figureResults);
    return { results, kept: { summary: benchCase.summary, run, seconds, others: share, failed, figures } };
  }

  #given(): Partial<Lengths> {
    const { seconds, kills, pairs, leases } = this.options;
    const given = Object.entries({ seconds, kills, pairs, leases });
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  }

  #circumstances(date: string, seed: number, lengths: Partial<Lengths>): Circumstances {
    return {
      ...{ date, machine: this.#machine, load: this.#load, versions: this.#versions, seed },
      ...{ brief: this.brief, options: lengths as Record<string, number> },
    };
  }
}
