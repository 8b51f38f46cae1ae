// SPDX-License-Identifier: MPL-2.0
// Whether a remote store has been away since the start, so that copies may speak for it. One that has answered,
// or refused us, is there: from then on what it holds counts, even if that has to be waited for.
import type { ErrorCode } from '../errors.js';
import { answers, type Store, type StoreObserver } from './store.js';

/** It cannot be asked; in all other trouble it is there and says why not. */
const away: ReadonlySet<string> = new Set<ErrorCode>([
  'STORE_UNREACHABLE',
  'STORE_TIMEOUT',
  'STORE_NO_LEADER',
]);
const refusals: ReadonlySet<string> = new Set<ErrorCode>([
  'STORE_AUTH_FAILED',
  'STORE_CERTIFICATE',
  'STORE_DENIED',
  'STORE_TOKEN',
]);

/** A remote that is silent for so long counts as away, ms: it may just be connecting. */
const patience = 2000;
/** For every member after the first, ms: the first one being away says nothing of the others. */
const patienceByMember = 300;

export class Absence {
  readonly #remote: Store;
  readonly #settle: number;
  #over = false;
  /** Monotonic ms. */
  #downSince: number | undefined;
  #observer: StoreObserver | undefined;

  /** @param members of the remote's cluster. */
  constructor(remote: Store, members: number) {
    this.#remote = remote;
    this.#settle = Math.min((members - 1) * patienceByMember, patience);
    remote.observe?.({
      failed: (code) => {
        this.#over ||= refusals.has(code);
        this.#observer?.failed(code);
      },
      retried: () => this.#observer?.retried(),
      followRestarted: () => this.#observer?.followRestarted(),
    });
  }

  /** Who is told what the remote tells its observer. */
  observe(observer: StoreObserver): void {
    this.#observer = observer;
  }

  /** The remote was heard of. */
  end(): void {
    this.#over = true;
  }

  /** Whether the remote is known to be there, or to have been since the start. */
  get over(): boolean {
    this.#over ||= this.#remote.cluster?.() !== undefined || answers(this.#remote.health());
    return this.#over;
  }

  /** Whether a copy may speak for the remote to one who has waited since `began` (monotonic ms). */
  holds(began: number): boolean {
    const { state, code = '' } = this.#remote.health();
    if (state !== 'down') this.#downSince = undefined;
    if (this.over) return false;
    const now = performance.now();
    if (state === 'starting') return now - began >= patience;
    if (state !== 'down' || !away.has(code)) return false;
    this.#downSince ??= now;
    return now - this.#downSince >= this.#settle;
  }
}
