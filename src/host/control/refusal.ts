// SPDX-License-Identifier: MPL-2.0
// Errors as clients of the control socket are told them.
import { type ErrorSpec, errors, NnoeError, reasonOf } from '../errors.js';
import type { Fault } from './api.js';

/** Thrown by a route: what the answer says. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly fault: Fault,
    readonly headers: Record<string, string> = {},
  ) {
    super(fault.message);
  }
}

/** What was asked makes no sense: `reason` names what was found and what was expected. */
export const badRequest = (reason: string, status = 400, headers: Record<string, string> = {}) =>
  new Refused(status, faultOf(new NnoeError('CONTROL_REQUEST', { reason })), headers);

export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof Refused) return thrown.fault;
  if (thrown instanceof NnoeError) return { code: thrown.code, message: thrown.message, help: thrown.help };
  return faultOf(new NnoeError('CONTROL_FAILED', { reason: reasonOf(thrown) }, thrown));
}

/** Help for a code that a part of the host gave as its reason; none for codes of plugins. */
export function helpOf(code: string | undefined): string | undefined {
  if (code === undefined || !Object.hasOwn(errors, code)) return undefined;
  return (errors as Record<string, ErrorSpec>)[code]?.help;
}
