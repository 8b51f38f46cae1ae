// SPDX-License-Identifier: MPL-2.0
// Whether a follower was told everything. The store's full history is the witness, and the rule is: from one
// snapshot to the next, the changes told are the history's events of that prefix, each once and in order. Left
// out may only be what a snapshot covers, and runs of events that had no effect on what there is (a key that came
// and went while history was compacted away).

/** A change of one key, as the store's history has it. */
export interface HistoryEvent {
  key: string;
  revision: number;
  deleted: boolean;
}

/** What a follower was handed in one call. */
export type Call =
  | { kind: 'snapshot'; revision: number; entries: { key: string; revision: number }[] }
  | { kind: 'change'; revision: number; changes: HistoryEvent[] };

export interface Verdict {
  /** Events told as changes. */
  told: number;
  /** Events that a later snapshot stands for. */
  covered: number;
  /** Events left out that had no effect. */
  without: number;
  snapshots: number;
  /** Events that should have been told, were not, and no snapshot stands for. */
  missed: HistoryEvent[];
  /** What was told and is not so, in words. */
  wrong: string[];
}

/** What keys hold: to the revision of their last change. */
type State = Map<string, number>;

function apply(state: State, { key, revision, deleted }: HistoryEvent): void {
  if (deleted) state.delete(key);
  else state.set(key, revision);
}

class Judge {
  readonly verdict: Verdict = { told: 0, covered: 0, without: 0, snapshots: 0, missed: [], wrong: [] };
  readonly #state: State = new Map();
  #next = 0;
  /** Revision up to which calls have told. */
  #upTo = 0;

  constructor(private readonly history: readonly HistoryEvent[]) {}

  call(call: Call): void {
    const what = `${call.kind} at ${call.revision}`;
    if (call.revision < this.#upTo) this.verdict.wrong.push(`${what} after ${this.#upTo}`);
    this.#upTo = call.revision;
    if (call.kind === 'snapshot') {
      const { left } = this.#until(({ revision }) => revision > call.revision);
      if (this.verdict.snapshots++ > 0) this.verdict.covered += left.length;
      this.#compare(call.entries, what);
      return;
    }
    if (call.changes.at(-1)?.revision !== call.revision)
      this.verdict.wrong.push(`${what} ends at ${call.changes.at(-1)?.revision}`);
    for (const change of call.changes) this.#change(change, what);
  }

  /** Takes the events before the first that `stop` holds for: which, and what their keys held before. */
  #until(stop: (event: HistoryEvent) => boolean): {
    left: HistoryEvent[];
    before: Map<string, number | undefined>;
  } {
    const from = this.#next;
    const before = new Map<string, number | undefined>();
    for (; this.#next < this.history.length; this.#next++) {
      const event = this.history[this.#next] as HistoryEvent;
      if (stop(event)) break;
      if (!before.has(event.key)) before.set(event.key, this.#state.get(event.key));
      apply(this.#state, event);
    }
    return { left: this.history.slice(from, this.#next), before };
  }

  #compare(entries: { key: string; revision: number }[], what: string): void {
    const same =
      entries.length === this.#state.size &&
      entries.every(({ key, revision }) => this.#state.get(key) === revision);
    if (!same) this.verdict.wrong.push(`${what} is not what the store held (${entries.length} keys)`);
  }

  #change(change: HistoryEvent, what: string): void {
    const { key, revision, deleted } = change;
    const is = (event: HistoryEvent) =>
      event.key === key && event.revision === revision && event.deleted === deleted;
    this.#leaveOut((event) => event.revision > revision || is(event));
    const event = this.history[this.#next];
    if (event === undefined || !is(event)) {
      this.verdict.wrong.push(`${what}: ${key} at ${revision} did not happen, or not in this order`);
      return;
    }
    apply(this.#state, event);
    this.#next++;
    this.verdict.told++;
  }

  /** Nobody was told of the events until `stop`, nor is there a snapshot for them. */
  #leaveOut(stop: (event: HistoryEvent) => boolean): void {
    const { left, before } = this.#until(stop);
    for (const event of left) {
      if (before.get(event.key) === this.#state.get(event.key)) this.verdict.without++;
      else this.verdict.missed.push(event);
    }
  }

  /** Nothing came after the calls: what else happened was missed. */
  end(): void {
    this.#leaveOut(() => false);
  }
}

/**
 * @param history every event of the prefix, in order; from before the first snapshot on.
 * @param calls what the follower was handed, until it had nothing more to be told.
 */
export function judge(history: readonly HistoryEvent[], calls: readonly Call[]): Verdict {
  const judge = new Judge(history);
  for (const call of calls) judge.call(call);
  judge.end();
  return judge.verdict;
}
