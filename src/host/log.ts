// SPDX-License-Identifier: MPL-2.0
// Structured logging: JSON lines on standard output, one `code` from messages.ts or errors.ts on each.
import { type DestinationStream, type Logger, pino } from 'pino';
import { NnoeError, reasonOf } from './errors.js';
import { type MessageCode, messages } from './messages.js';

export type { Logger };

export type Details = Record<string, string | number | boolean>;

export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Logs a message of the table, at its level. */
export function say(log: Logger, code: MessageCode, details: Details = {}): void {
  const { level, text } = messages[code];
  log[level](
    { code, ...details },
    text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?')),
  );
}

/** Logs an error once, with its code, what to do about it, and the stack of what caused it. */
export function sayError(log: Logger, error: unknown): void {
  if (!(error instanceof NnoeError)) {
    log.error({ code: 'HOST_UNHANDLED', stack: stackOf(error) }, reasonOf(error));
    return;
  }
  const stack = stackOf(error.cause);
  log.error(
    { code: error.code, ...error.values, help: error.help, ...(stack === undefined ? {} : { stack }) },
    error.message,
  );
}

const stackOf = (thrown: unknown) => (thrown instanceof Error ? thrown.stack : undefined);
