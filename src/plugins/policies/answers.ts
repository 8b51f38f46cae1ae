// SPDX-License-Identifier: MPL-2.0
// What Cerbos says of single queries, for role sets whose conditions cannot be compiled: asked in batches, each question
// once while its answer is current. Names are chosen by whoever asks; the cache is bounded and only its hit rate suffers.
import type { GRPC } from '@cerbos/grpc';
import { LRUCache } from 'lru-cache';
import { check, checkBatch, type QueryAttributes } from './pdp/pdp.js';

export interface Question {
  roles: readonly string[];
  query: QueryAttributes;
}

export interface Answer {
  action: string;
  /** When Cerbos was asked, ms since 1970. */
  from: number;
}

export interface AnswersOptions {
  /** Answers that are remembered at most. */
  most: number;
  /** For so long, ms; undefined: for as long as these answers count. */
  keep?: number;
  /** Actions in the order in which they are asked. */
  actions: readonly string[];
  /** What a set of roles does when nothing is granted. */
  otherwise(roles: readonly string[]): string;
  /** ms since 1970 from when on nothing of now counts any more; undefined: policies do not read the clock. */
  until: number | undefined;
  /** What shows that Cerbos has the policies that it was given; undefined: nobody looks. */
  mark?: string;
}

/** Requests under way at once: what comes meanwhile fills the next ones. */
const atOnce = 4;
/** ms that Cerbos is waited for. */
const patience = 2000;

interface Open {
  question: Question;
  done(answer: Answer): void;
  failed(error: unknown): void;
}

/** Answers of one set of policies in one window of time; another set, or minute, gets another one of these. */
export class Answers {
  private readonly known: LRUCache<string, Promise<Answer>>;
  /** By roles, what is to be asked. */
  private readonly open = new Map<string, Open[]>();
  private running = 0;
  private due = false;
  private put = 0;
  private asked = 0;

  constructor(
    private readonly client: Pick<GRPC, 'checkResources'>,
    private readonly options: AnswersOptions,
  ) {
    const { most, keep } = options;
    this.known = new LRUCache({ max: most, ...(keep !== undefined && { ttl: keep }) });
  }

  /** Questions that were not known. */
  get questions(): number {
    return this.put;
  }

  /** Queries that Cerbos was asked about. */
  get misses(): number {
    return this.asked;
  }

  /** The action for a query. Rejects with what the transport throws; it is asked again then. */
  of(question: Question): Promise<Answer> {
    if (this.over()) return Promise.reject(new Error('these answers count no more'));
    const roles = JSON.stringify(question.roles);
    const { qname, qtype, client, lists } = question.query;
    const key = JSON.stringify([roles, qname, qtype, client, lists]);
    let answer = this.known.get(key);
    if (!answer) {
      this.put++;
      const made = new Promise<Answer>((done, failed) => {
        const batch = this.open.get(roles) ?? [];
        batch.push({ question, done, failed });
        this.open.set(roles, batch);
        this.wake();
      });
      answer = made;
      this.known.set(key, made);
      made.catch(() => {
        if (this.known.peek(key) === made) this.known.delete(key);
      });
    }
    return answer;
  }

  private over(): boolean {
    const { until } = this.options;
    return until !== undefined && Date.now() >= until;
  }

  /** Whatever comes in the same turn goes out together. */
  private wake(): void {
    if (this.due) return;
    this.due = true;
    setImmediate(() => {
      this.due = false;
      while (this.running < atOnce && this.open.size > 0) void this.flush();
    });
  }

  private async flush(): Promise<void> {
    const batch = this.take();
    this.asked += batch.length;
    this.running++;
    const { actions, otherwise, mark } = this.options;
    const roles = batch[0]?.question.roles ?? [];
    const from = Date.now();
    try {
      const granted = await check(
        this.client,
        [...roles],
        [...actions],
        batch.map(({ question }) => question.query),
        { signal: AbortSignal.timeout(patience), ...(mark !== undefined && { mark }) },
      );
      // Of before or behind the boundary, nobody knows.
      if (this.over()) throw new Error('the answer came too late');
      batch.forEach(({ done }, i) => {
        const action = actions.find((each) => granted[i]?.has(each)) ?? otherwise(roles);
        done({ action, from });
      });
    } catch (error) {
      // What waits would meet the same.
      const waiting = [...this.open.values()].flat();
      this.open.clear();
      for (const { failed } of [...batch, ...waiting]) failed(error);
    } finally {
      this.running--;
      if (this.open.size > 0) this.wake();
    }
  }

  /** Of one set of roles, the one that has waited longest. */
  private take(): Open[] {
    const most = checkBatch - (this.options.mark === undefined ? 0 : 1);
    const [roles = '', waiting = []] = this.open.entries().next().value ?? [];
    const batch = waiting.splice(0, most);
    this.open.delete(roles);
    // Behind the others, so that each set of roles has its turn.
    if (waiting.length > 0) this.open.set(roles, waiting);
    return batch;
  }
}
