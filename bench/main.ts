// SPDX-License-Identifier: MPL-2.0
// `node dist/bench/main.js --case hook --format text`. Only results go to stdout; status 1 when a bound is missed
// or a figure is absent, 2 when it was called wrongly.
import { parseArgs } from 'node:util';
import { type CaseName, cases, isCase } from './cases.js';
import { type CaseOptions, holds, type Result } from './lib/figures.js';
import { load, machine, versions } from './lib/machine.js';
import { watchOthers } from './lib/others.js';
import { jsonLine, table } from './lib/report.js';
import { ReportDirectory } from './report/directory.js';
import { type CaseResults, type Circumstances, figureResults } from './report/schema.js';

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const usageText = `usage: main.js [--case NAME[,NAME…]] [--format text|json] [--seconds N] [--kills N]
       [--pairs N] [--leases N] [--seed N] [--report DIRECTORY] [--list] [--help]
cases: ${Object.keys(cases).join(' ')}
`;

function usage(problem: string): never {
  say(`${problem}\n${usageText.trimEnd()}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      options: {
        case: { type: 'string' },
        format: { type: 'string', default: 'text' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        seconds: { type: 'string' },
        kills: { type: 'string' },
        pairs: { type: 'string' },
        leases: { type: 'string' },
        seed: { type: 'string' },
        report: { type: 'string' },
      },
    }).values;
  } catch (error) {
    usage((error as Error).message);
  }
}

const values = parse();

/** From the command line, else as `make bench CASE=idle SECONDS=60` passes it. */
function count(name: 'seconds' | 'kills' | 'pairs' | 'leases' | 'seed'): number | undefined {
  const text = values[name] ?? process.env[`BENCH_${name.toUpperCase()}`];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) usage(`--${name} wants a whole number, not "${text}"`);
  return value;
}

interface Ran {
  results: Result[];
  /** The same for the report, with how it came about. */
  kept: CaseResults;
}

async function runCase(name: CaseName, options: CaseOptions, run: Omit<Circumstances, 'date'>): Promise<Ran> {
  const { default: benchCase } = await cases[name]();
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
    // What the servers said last is of use now; after a bound that was only missed it is not.
    delete process.env.NNOE_NO_TAILS;
  }
  const seconds = (performance.now() - began) / 1000;
  const share = others();
  say(
    `${name}: took ${seconds.toFixed(0)} s; meanwhile other work took ${share.toFixed(0)} % of the machine`,
  );
  const results = benchCase.figures.map((spec) => ({ case: name, spec, measured: measured[spec.name] }));
  const { summary } = benchCase;
  const figures = results.map(figureResults);
  return { results, kept: { summary, run: { ...run, date }, seconds, others: share, failed, figures } };
}

async function list(): Promise<void> {
  for (const [name, load] of Object.entries(cases)) {
    process.stdout.write(`${name}: ${(await load()).default.summary}\n`);
  }
}

function chosen(): CaseName[] {
  if (values.case === undefined || values.case === 'all') return Object.keys(cases) as CaseName[];
  return values.case.split(',').map((name) => (isCase(name) ? name : usage(`no case "${name}"`)));
}

function caseOptions(): CaseOptions {
  return {
    seconds: count('seconds'),
    kills: count('kills') ?? 1000,
    pairs: count('pairs'),
    leases: count('leases') ?? 1_000_000,
    seed: count('seed') ?? 1,
    say,
  };
}

function circumstances({ seed }: CaseOptions): Omit<Circumstances, 'date'> {
  const given = (['seconds', 'kills', 'pairs', 'leases'] as const).map((name) => [name, count(name) ?? null]);
  return { machine: machine(), load: load(), versions: versions(), seed, options: Object.fromEntries(given) };
}

/** Before anything is measured: what cannot be written is to be known now. */
function reportDirectory(): ReportDirectory | undefined {
  if (values.report === undefined) return undefined;
  if (values.report === '') usage('--report wants a directory');
  try {
    return new ReportDirectory(values.report, Object.keys(cases));
  } catch (error) {
    say((error as Error).message);
    process.exit(2);
  }
}

/** Whether it could be written; a case that was measured has been printed all the same. */
function putReport(directory: ReportDirectory, name: CaseName, kept: CaseResults): boolean {
  try {
    directory.put(name, kept);
    return true;
  } catch (error) {
    say(`${name}: not in the report: ${(error as Error).message}`);
    return false;
  }
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(usageText);
    return 0;
  }
  if (values.list) {
    await list();
    return 0;
  }
  if (values.format !== 'text' && values.format !== 'json') usage(`no format "${values.format}"`);
  const options = caseOptions();
  const names = chosen();
  const directory = reportDirectory();
  const run = circumstances(options);
  say(`${run.machine}; load average at start ${run.load.toFixed(2)}`);
  say(
    Object.entries(run.versions)
      .map(([name, version]) => `${name} ${version ?? 'absent'}`)
      .join(', '),
  );
  let ok = true;
  for (const name of names) {
    const { results, kept } = await runCase(name, options, run);
    ok &&= results.every(({ spec, measured }) => holds(spec, measured));
    if (values.format === 'json') process.stdout.write(`${results.map(jsonLine).join('\n')}\n`);
    else process.stdout.write(`\n${name}\n${table(results)}\n`);
    if (directory !== undefined && !putReport(directory, name, kept)) ok = false;
  }
  return ok ? 0 : 1;
}

process.env.NNOE_NO_TAILS = '1';
process.exitCode = await main();
