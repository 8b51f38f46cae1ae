// SPDX-License-Identifier: MPL-2.0
// What is wrong with policies, told without a host: by the linter, by the real Cerbos, and by the compiler for every role
// that they name.
import { rmSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { tokens } from './cel.js';
import { type Asked, compile } from './compile/compile.js';
import { Refused } from './compile/refused.js';
import { lint } from './lint.js';
import { EmbeddedPdp } from './pdp/embedded.js';
import type { PolicyText } from './pdp/pdp.js';
import { scratch } from './pdp/scratch.js';
import { verify } from './pdp/verify.js';
import { Plans, unnamed } from './plans.js';
import { factsOf, type PolicySource, parseSource } from './source.js';

export interface Fault {
  /** Of the policy. */
  id: string;
  /** From 1; absent: the policy as a whole. */
  line?: number;
  column?: number;
  /** Where in the policy, such as `rules[0]`; '' for the policy as a whole. */
  path: string;
  message: string;
  by: 'linter' | 'cerbos' | 'compiler';
}

export interface Examined {
  /** What policies are, of those that can be read. */
  policies: readonly Pick<PolicySource, 'id' | 'kind' | 'name'>[];
  faults: readonly Fault[];
  /** Roles that rules name, and what they may do could be compiled. */
  compiled: readonly string[];
  /** Version of Cerbos; absent: nothing was left to be planned. */
  cerbos?: string;
}

export interface ExamineOptions {
  /** How an id is shown. */
  named(id: string): string;
  signal: AbortSignal;
}

/** @throws Error when Cerbos cannot be run; the signal's reason */
export async function examine(
  policies: readonly PolicyText[],
  { named, signal }: ExamineOptions,
): Promise<Examined> {
  const linted = policies.map(({ id, text }) => ({ id, text, ...lint(id, text) }));
  const read = linted.filter(({ source }) => source !== undefined && source.kind !== '');
  const faults = linted.flatMap(({ id, text, findings }) =>
    findings.map(({ path, message }): Fault => ({ id, ...place(text, path), path, message, by: 'linter' })),
  );
  const { good, bad } = await verify(read, signal, named);
  for (const [id, reason] of bad) {
    const [, line, column, message = reason] = /^line (\d+), column (\d+): (.*)$/s.exec(reason) ?? [];
    const at = line === undefined ? {} : { line: Number(line), column: Number(column) };
    faults.push({ id, ...at, path: '', message, by: 'cerbos' });
  }
  const sound = good.filter(({ id }) => !faults.some((fault) => fault.id === id));
  const shown = { policies: read.flatMap(({ source }) => (source ? [source] : [])) };
  if (sound.length === 0) return { ...shown, faults, compiled: [] };
  return { ...shown, ...(await planned(sound, faults, signal)) };
}

/** Line and column of what a path leads to. */
function place(text: string, path: string): Pick<Fault, 'line' | 'column'> {
  if (path === '') return {};
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const kind = Object.keys((document.toJS({ maxAliasCount: 100 }) ?? {}) as object).filter((each) =>
    /^(export|\w+Policy$|derivedRoles$)/.test(each),
  )[0];
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const node = document.getIn([kind, ...keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key))], true);
  const at = (node as { range?: [number, ...number[]] } | undefined)?.range?.[0];
  if (at === undefined) return {};
  const { line, col } = counter.linePos(at);
  return { line, column: col };
}

/** Plans of a real Cerbos, compiled. */
async function planned(
  policies: readonly PolicyText[],
  before: readonly Fault[],
  signal: AbortSignal,
): Promise<Pick<Examined, 'faults' | 'compiled' | 'cerbos'>> {
  const directory = scratch('policies');
  const pdp = new EmbeddedPdp(directory, { ended: () => undefined, restarted: () => undefined }, policies);
  const end = () => pdp.stop();
  signal.addEventListener('abort', end, { once: true });
  try {
    await pdp.started();
    const { version: cerbos } = await pdp.client.serverInfo();
    const sources = policies.map(({ id, text }) => parseSource(id, text));
    const plans = new Plans(pdp.client, sources);
    await plans.all();
    const { faults, compiled } = await compiledOf(plans, sources);
    const texts = new Map(policies.map(({ id, text }) => [id, text]));
    const placed = faults.map((fault) => ({ ...fault, ...place(texts.get(fault.id) ?? '', fault.path) }));
    return { faults: [...before, ...placed], compiled, cerbos };
  } finally {
    signal.removeEventListener('abort', end);
    await pdp.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function compiledOf(plans: Plans, sources: readonly PolicySource[]) {
  const options = { lists: listsNamed(sources), ...factsOf(sources) };
  const faults = new Map<string, Fault>();
  const compiled: string[] = [];
  for (const role of [...plans.named, unnamed]) {
    const asked: Asked[] = [];
    let refused = false;
    for (const action of plans.actions) {
      const plan = await plans.of(role, action);
      try {
        if (plan instanceof Refused) throw plan;
        const one = { action, roles: [{ role, plan }] };
        // By itself, so that it is known which rules a fault comes from.
        compile([one], 'refused', options);
        asked.push(one);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        refused = true;
        for (const fault of faultsOf(plans, role, action, error)) faults.set(JSON.stringify(fault), fault);
      }
    }
    if (refused || role === unnamed) continue;
    compile(asked, 'refused', options);
    compiled.push(role);
  }
  return { faults: [...faults.values()], compiled };
}

function faultsOf(plans: Plans, role: string, action: string, { message }: Refused): Fault[] {
  const all = plans.rules(role, action);
  const who = role === unnamed ? 'roles that no rule names' : role;
  return all.map(({ id, rule }) => ({
    id,
    path: `rules[${rule}]`,
    message: `${action} cannot be compiled for ${who}${all.length > 1 ? ', here or in another rule' : ''}: ${message}`,
    by: 'compiler',
  }));
}

/** Every text that may be the name of a list: which lists there are is not known here. */
function listsNamed(sources: readonly PolicySource[]): Map<string, number> {
  const texts = sources.flatMap(({ expressions }) =>
    expressions.flatMap(({ cel }) => tokens(cel).filter(({ kind }) => kind === 'text')),
  );
  const names = new Set(texts.map(({ text }) => text).filter((text) => /^[a-z0-9._-]{1,63}$/.test(text)));
  return new Map([...names].slice(0, 256).map((name, id) => [name, id]));
}
