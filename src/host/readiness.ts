// SPDX-License-Identifier: MPL-2.0
// Whether the host can do its work, and if not, why not: what /ready, `nnoe_ready` and systemd's status line say.
//
// Ready: the host is not stopping; every enabled plugin runs, does not call itself failed, and has been shown the
// first snapshot of every prefix it follows; every configured journal is open and was once, since the host
// started, read and dealt with up to where it stood when it was opened, without a walk being owed then.
//
// The store is no condition by itself. Whoever needs it to start waits for it, and shows here as starting. When
// it goes away afterwards the host stays ready: events wait in the journal and what plugins know stays in force,
// so taking the node out of service would turn an outage of the store into one of DHCP and DNS. /health says it.
import { type ErrorCode, errors } from './errors.js';
import type { HealthReport } from './health.js';
import type { Details } from './log.js';
import { type MessageCode, type MessageSpec, messages } from './messages.js';

export interface NotReady {
  /** What waits: `host`, `journal dhcp4`, `plugin leases`, `store`. */
  what: string;
  /** Of errors.ts or messages.ts. */
  code: string;
  reason: string;
  /** For the operator. */
  help: string;
}

export interface Readiness {
  ready: boolean;
  /** Empty when ready; what the others wait for comes first. */
  reasons: NotReady[];
}

/** @param waiting what the parts say. */
export function readiness(
  waiting: readonly (NotReady | undefined)[],
  store: HealthReport['store'],
  stopping: boolean,
): Readiness {
  const reasons = waiting.filter((each) => each !== undefined);
  if (reasons.length > 0 && store.state !== 'ok')
    reasons.unshift(
      store.state === 'starting'
        ? waitsFor('store', 'READY_STORE_CONNECTING', { reason: store.reason })
        : troubled('store', store),
    );
  if (stopping) reasons.unshift(waitsFor('host', 'READY_HOST_STOPS', {}));
  return { ready: reasons.length === 0, reasons };
}

/** For the service manager: how the host is, in one line. */
export function statusLine(health: HealthReport, { ready, reasons }: Readiness): string {
  const [first] = reasons;
  if (first !== undefined) {
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more: see /ready)` : '';
    return `not ready: ${first.what}: ${first.code}: ${first.reason}${more}`;
  }
  const parts = [
    ['store', health.store] as const,
    ...Object.entries(health.sources).map(([name, source]) => [`journal ${name}`, source] as const),
    ...Object.entries(health.plugins).map(([name, plugin]) => [`plugin ${name}`, plugin] as const),
  ];
  const bad = parts.find(([, { state }]) => state !== 'ok');
  if (ready && bad !== undefined) return `ready; ${bad[0]} is ${bad[1].state}: ${bad[1].reason}`;
  const plugins = Object.keys(health.plugins).join(', ') || 'none';
  const journals = Object.keys(health.sources).join(', ') || 'none';
  return `ready; store ${health.store.name}; journals ${journals}; plugins ${plugins}`;
}

type ReadyCode = Extract<MessageCode, `READY_${string}`>;

/** A reason of the table of messages. */
export function waitsFor(what: string, code: ReadyCode, details: Details): NotReady {
  const { text, help = '' }: MessageSpec = messages[code];
  const reason = text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
  return { what, code, reason, help };
}

/** A part that says itself what is wrong with it; `code` as its health has it. */
export function troubled(what: string, { code, reason }: { code?: string; reason: string }): NotReady {
  const help = code !== undefined && code in errors ? errors[code as ErrorCode].help : '';
  return code === undefined
    ? waitsFor(what, 'READY_PART_FAILED', { what, reason })
    : { what, code, reason, help };
}
