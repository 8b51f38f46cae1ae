// SPDX-License-Identifier: MPL-2.0
// Reads how many test cases passed out of what a test file printed. A file that prints no count did not finish.
import type { Job } from './discover.js';

export interface Count {
  passed: number;
  failed: number;
  /** Why the file counts as failed beyond its own count. */
  trouble?: string;
}

/** Sums a number over all lines of a form; undefined when there is no such line. */
function sum(output: string, line: RegExp): number | undefined {
  const found = [...output.matchAll(line)];
  return found.length === 0 ? undefined : found.reduce((total, match) => total + Number(match[1]), 0);
}

function uvu(output: string): Count {
  const total = sum(output, /^ {2}Total: +(\d+)$/gm);
  const passed = sum(output, /^ {2}Passed: +(\d+)$/gm) ?? 0;
  const skipped = sum(output, /^ {2}Skipped: +(\d+)$/gm) ?? 0;
  if (total === undefined) return { passed: 0, failed: 1, trouble: 'it ended without its summary' };
  if (total === 0) return { passed: 0, failed: 1, trouble: 'it holds no test' };
  const failed = total - passed + skipped;
  return skipped > 0
    ? { passed, failed, trouble: `${skipped} skipped; a test is passed or fails` }
    : { passed, failed };
}

/** A program without doctest's summary is one test case: its exit status says the rest. */
function native(output: string): Count {
  const passed = sum(output, /^\[doctest\] test cases: .*?(\d+) passed/gm);
  const failed = sum(output, /^\[doctest\] test cases: .*?(\d+) failed/gm) ?? 0;
  if (passed === undefined) return { passed: 1, failed: 0 };
  return passed + failed === 0 ? { passed, failed: 1, trouble: 'it holds no test' } : { passed, failed };
}

export function count(form: Job['form'], output: string): Count {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
  return form === 'uvu' ? uvu(plain) : native(plain);
}
