// SPDX-License-Identifier: MPL-2.0
// A directory with a report: results.json, from which report.md and the charts are made anew for each case that ends.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { charts } from './charts.js';
import { markdown } from './markdown.js';
import { type CaseResults, FORMAT, type Results, results } from './schema.js';

const RESULTS = 'results.json';

export class ReportDirectory {
  readonly #path: string;
  /** Cases in the order of the report; others come after them. */
  readonly #order: readonly string[];

  /**
   * Makes the directory if it is not there, and sees that a report can be written into it.
   * @throws Error naming what is wrong with the directory or with what an earlier run left in it
   */
  constructor(path: string, order: readonly string[]) {
    this.#path = path;
    this.#order = order;
    this.#read();
    try {
      mkdirSync(join(path, 'charts'), { recursive: true });
      for (const file of ['trial', 'charts/trial']) {
        replace(join(path, file), '');
        rmSync(join(path, file));
      }
    } catch (error) {
      throw new Error(`${path}: no report can be written there: ${(error as Error).message}`);
    }
  }

  /**
   * Puts the case in place of what an earlier run said of it; the other cases stay.
   * @throws Error naming the file that could not be read or written
   */
  put(name: string, found: CaseResults): void {
    // Read again: hours may have passed since the last time.
    const before = this.#read();
    const now: Results = { format: FORMAT, cases: this.#sorted({ ...before.cases, [name]: found }) };
    replace(join(this.#path, RESULTS), `${JSON.stringify(now, undefined, 2)}\n`, true);
    const drawn = charts(now);
    for (const { file, svg } of drawn) replace(join(this.#path, file), svg);
    replace(join(this.#path, 'report.md'), markdown(now, drawn));
    const kept = new Set(drawn.map(({ file }) => file));
    for (const { file } of charts(before))
      if (!kept.has(file)) rmSync(join(this.#path, file), { force: true });
  }

  #sorted(cases: Results['cases']): Results['cases'] {
    const rank = (name: string) =>
      this.#order.includes(name) ? this.#order.indexOf(name) : this.#order.length;
    return Object.fromEntries(
      Object.entries(cases).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)),
    );
  }

  #read(): Results {
    const file = join(this.#path, RESULTS);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { format: FORMAT, cases: {} };
      throw new Error(`${file}: cannot be read: ${(error as Error).message}`);
    }
    return parseResults(file, text);
  }
}

/** @throws Error naming the file and each key that is not as it has to be */
export function parseResults(file: string, text: string): Results {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file}: expected JSON: ${(error as Error).message}`);
  }
  const parsed = results.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.length === 0 ? 'the whole' : z.core.toDotPath(path)}: ${message}`);
  throw new Error(`${file}: not the results of a bench run of this version: ${faults.join('; ')}`);
}

/**
 * All or nothing: whoever reads has the old content or the new.
 * @param durable also after a power failure; what can be made again need not be
 */
function replace(path: string, text: string, durable = false): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w', 0o644);
    try {
      writeFileSync(file, text);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new Error(`${path}: cannot be written: ${(error as Error).message}`);
  }
  if (!durable) return;
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}
