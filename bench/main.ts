// SPDX-License-Identifier: MPL-2.0
// `node dist/bench/main.js --case hook --format text`. Only results go to stdout; status 1 when a bound is missed
// or a figure is absent, 2 when it was called wrongly.
import { parseArgs } from 'node:util';
import { type CaseName, cases, isCase } from './cases.js';
import { type CaseOptions, holds, type Result } from './lib/figures.js';
import { machine } from './lib/machine.js';
import { watchOthers } from './lib/others.js';
import { jsonLine, table } from './lib/report.js';

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const usageText = `usage: main.js [--case NAME[,NAME…]] [--format text|json] [--seconds N] [--kills N]
       [--pairs N] [--leases N] [--seed N] [--list] [--help]
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

async function runCase(name: CaseName, options: CaseOptions): Promise<Result[]> {
  const { default: benchCase } = await cases[name]();
  say(`${name}: ${benchCase.summary}`);
  const others = watchOthers();
  let measured: Awaited<ReturnType<typeof benchCase.run>> = {};
  try {
    measured = await benchCase.run(options);
  } catch (error) {
    say(`${name}: failed: ${(error as Error).stack ?? error}`);
    // What the servers said last is of use now; after a bound that was only missed it is not.
    delete process.env.NNOE_NO_TAILS;
  }
  say(`${name}: meanwhile other work took ${others().toFixed(0)} % of the machine`);
  return benchCase.figures.map((spec) => ({ case: name, spec, measured: measured[spec.name] }));
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
  const options: CaseOptions = {
    seconds: count('seconds'),
    kills: count('kills') ?? 1000,
    pairs: count('pairs'),
    leases: count('leases') ?? 1_000_000,
    seed: count('seed') ?? 1,
    say,
  };
  const names = chosen();
  for (const line of machine()) say(line);
  let ok = true;
  for (const name of names) {
    const results = await runCase(name, options);
    ok &&= results.every(({ spec, measured }) => holds(spec, measured));
    if (values.format === 'json') process.stdout.write(`${results.map(jsonLine).join('\n')}\n`);
    else process.stdout.write(`\n${name}\n${table(results)}\n`);
  }
  return ok ? 0 : 1;
}

process.env.NNOE_NO_TAILS = '1';
process.exitCode = await main();
