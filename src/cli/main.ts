// SPDX-License-Identifier: MPL-2.0
// Runs one command line, and tells what went wrong with it: on standard error, one line first.
import { CommanderError } from 'commander';
import type { Fault } from '../host/control/api.js';
import { exitCode, NnoeError, reasonOf } from '../host/errors.js';
import { RemoteError } from './client.js';
import { exitStatus, exitStatusOf } from './exit-status.js';
import type { Io } from './io.js';
import { makeProgram } from './program.js';
import { printable, wrap } from './text.js';
import { UsageError } from './usage.js';

/** Resolves with the exit status. @param argv without the program. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const wanted = argv.filter((each) => each !== '--no-color').length === 0 ? [...argv, '--help'] : [...argv];
  // Also for help, which commander writes before it has seen the options behind it.
  if (wanted.includes('--no-color')) for (const out of [io.out, io.err]) out.plain();
  try {
    await makeProgram(io).parseAsync(wanted, { from: 'user' });
    return io.status;
  } catch (error) {
    return await tell(error, io, wanted.includes('--json'));
  }
}

async function tell(error: unknown, { err }: Io, json: boolean): Promise<number> {
  if (error instanceof CommanderError) {
    // Help and version; help that was not asked for stands for what was left out.
    return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
  }
  if (error instanceof UsageError) {
    await err.line(error.message);
    return exitStatus.usage;
  }
  const { fault, status } = faultOf(error);
  if (json) {
    await err.json({ error: fault });
    return status;
  }
  await err.line(`nnoe: ${fault.message.split('\n').map(printable).join('\n')}`);
  for (const line of wrap(printable(fault.help), (err.columns ?? 80) - 2)) await err.line(`  ${line}`);
  return status;
}

function faultOf(error: unknown): { fault: Fault; status: number } {
  if (error instanceof RemoteError) return { fault: error.fault, status: exitStatusOf(error.fault.code) };
  if (error instanceof NnoeError) {
    const { code, message, help } = error;
    return { fault: { code, message, help }, status: exitCode(error) };
  }
  const fault = { code: 'CLI_FAULT', message: `unexpected: ${reasonOf(error)}`, help: stackOf(error) };
  return { fault, status: exitStatus.fault };
}

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? '') : '');
