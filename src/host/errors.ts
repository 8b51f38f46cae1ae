// SPDX-License-Identifier: MPL-2.0
// Every error an operator can meet, as a table: a stable code, one line, and what to do about it; by
// subject in errors/. `{name}` in a message is replaced by the detail of that name.
import { denied } from './denied.js';
import { controlErrors } from './errors/control.js';
import { hostErrors } from './errors/host.js';
import { journalErrors } from './errors/journal.js';
import { pluginErrors } from './errors/plugin.js';
import { setupErrors } from './errors/setup.js';
import type { ErrorSpec } from './errors/spec.js';
import { storeErrors } from './errors/store.js';
import { tableErrors } from './errors/tables.js';

export type { ErrorSpec } from './errors/spec.js';

export const errors = {
  ...hostErrors,
  ...controlErrors,
  ...journalErrors,
  ...pluginErrors,
  ...setupErrors,
  ...storeErrors,
  ...tableErrors,
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errors;

export class NnoeError extends Error {
  readonly code: ErrorCode;
  /** What stands in the message, by name. Not `details`: uvu takes that for a text, and then loses the failure. */
  readonly values: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, values: Record<string, string | number> = {}, cause?: unknown) {
    super(
      errors[code].message.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? '?')),
      cause === undefined ? undefined : { cause },
    );
    this.name = 'NnoeError';
    this.code = code;
    this.values = values;
  }

  get retry(): boolean {
    return errors[this.code].retry;
  }

  get help(): string {
    return errors[this.code].help;
  }
}

/** What went wrong, in words, whatever was thrown; of a path that was denied, who has to change what. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return (thrown.message || thrown.name) + denied(thrown);
  return String(thrown);
}

/** Status a process ends with when `thrown` ended it (sysexits): 78 configuration, 75 try later, else 70. */
export function exitCode(thrown: unknown): number {
  if (!(thrown instanceof NnoeError)) return 70;
  const spec: ErrorSpec = errors[thrown.code];
  return spec.exit ?? 70;
}
