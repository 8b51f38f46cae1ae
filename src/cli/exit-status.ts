// SPDX-License-Identifier: MPL-2.0
// With which status `nnoe` ends (sysexits where one fits); shown by --help and in docs/cli.md.
import { type ErrorSpec, errors } from '../host/errors.js';

export const exitStatus = {
  ok: 0,
  nothing: 1,
  usage: 64,
  unreachable: 69,
  fault: 70,
  later: 75,
  configuration: 78,
  interrupted: 130,
} as const;

export const exitStatusRows: readonly [status: number, meaning: string][] = [
  [exitStatus.ok, 'Done; for `status`: all is well.'],
  [
    exitStatus.nothing,
    'There is no lease for that address, or no such key; for `policies lint`: there are faults; for `bench`: a bound was missed.',
  ],
  [exitStatus.usage, 'The command line is wrong.'],
  [exitStatus.unreachable, 'No host answers on the control socket.'],
  [exitStatus.fault, 'Something failed; for `status`: a part has failed, or the store is down.'],
  [exitStatus.later, 'Not now, try later; for `status`: degraded, starting, or a state that is not known.'],
  [exitStatus.configuration, 'The configuration is missing or wrong.'],
  [exitStatus.interrupted, 'Ended by Ctrl-C.'],
];

/** For an error that the host told; one that is not known here may pass. */
export function exitStatusOf(code: string): number {
  const spec = (errors as Record<string, ErrorSpec | undefined>)[code];
  return spec?.exit ?? (spec === undefined || spec.retry ? exitStatus.later : exitStatus.fault);
}

/** For the state that a host says it is in. */
export function exitStatusOfState(state: string): number {
  if (state === 'ok') return exitStatus.ok;
  return state === 'failed' ? exitStatus.fault : exitStatus.later;
}
