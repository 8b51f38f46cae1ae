// SPDX-License-Identifier: MPL-2.0
// What `nnoe setup` found, did, and leaves to do.

import { NnoeError } from '../../host/errors.js';
import type { Out } from '../io.js';
import { printable, wrap } from '../text.js';
import { type Applied, type Change, diffOf, real, Staged } from './change.js';
import { type Checked, type Checker, check } from './check.js';
import type { Todo } from './site.js';

export interface SetupReport {
  program: string;
  /** In words: what stands there, or is to. */
  state: string;
  files: ({ path: string; diff: string } & Applied)[];
  /** Absent when nothing changes. */
  check?: Checked;
  applied: boolean;
  todo: Todo[];
}

export interface Plan {
  program: string;
  state: string;
  changes: Change[];
  checker: Checker;
  todo: Todo[];
}

/** @throws NnoeError SETUP_CHECKER, SETUP_CHANGED, SETUP_UNWRITTEN */
export function carryOut(
  { changes, checker, ...plan }: Plan,
  apply: boolean,
  env: NodeJS.ProcessEnv,
): SetupReport {
  const changed = real(changes);
  if (changed.length === 0) return { ...plan, files: [], applied: false };
  const staged = Staged.make(changes, 'after');
  try {
    const checked = check(checker, staged, env);
    const applied = apply && checked.accepted;
    const done = applied ? staged.apply() : new Map<string, Applied>();
    const files = changed.map((change) => ({
      path: change.path,
      diff: diffOf(change),
      ...done.get(change.path),
    }));
    return { ...plan, files, check: checked, applied };
  } finally {
    staged.remove();
  }
}

/** @throws NnoeError SETUP_REFUSED */
export function judgeReport({ files, check: checked }: SetupReport): void {
  if (checked === undefined || checked.accepted) return;
  const { command, said, acceptedBefore } = checked;
  const before = acceptedBefore ? '' : ', and without it too';
  throw new NnoeError('SETUP_REFUSED', { command, file: files[0]?.path ?? '', before, reason: said });
}

export async function showReport(report: SetupReport, out: Out): Promise<void> {
  const { paint } = out;
  const { check: checked, applied, files, todo, state } = report;
  for (const { diff } of files) await out.write(coloured(diff, out));
  if (files.length > 0) await out.line();
  await out.line(state);
  if (checked?.accepted) await out.line(`${paint.green('accepted')} by ${printable(checked.command)}`);
  for (const { backup, spent = [], path } of files) {
    if (backup !== undefined) await out.line(`what ${path} was is in ${backup}`);
    for (const each of spent) await out.line(`${path} is again what ${each} was, which is gone`);
  }
  if (checked?.accepted && !applied) await out.line('nothing is changed yet: --apply does it');
  if (todo.length === 0 || checked?.accepted === false) return;
  await out.line(`\n${paint.bold('What else has to be done')}`);
  for (const { subject, text, lines = [] } of todo) {
    const [first = '', ...rest] = wrap(`${subject}: ${text}`, (out.columns ?? 80) - 4);
    await out.line([`  - ${first}`, ...rest.map((line) => `    ${line}`)].join('\n'));
    for (const line of lines) await out.line(`        ${line}`);
  }
}

function coloured(diff: string, { paint }: Out): string {
  const colour = (line: string) => {
    if (/^(---|\+\+\+) /.test(line)) return paint.bold(line);
    if (line.startsWith('@@')) return paint.cyan(line);
    if (line.startsWith('+')) return paint.green(line);
    return line.startsWith('-') ? paint.red(line) : line;
  };
  return diff
    .split('\n')
    .map((line) => colour(printable(line.replaceAll('\t', '    '))))
    .join('\n');
}
