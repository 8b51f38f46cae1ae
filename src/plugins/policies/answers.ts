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

export interface AnswersOptions {
  /** Answers that are remembered at most. */
  most: number;
  /** Actions in the order in which they are asked. */
  actions: readonly string[];
  /** What a set of roles does when nothing is granted. */
  otherwise(roles: readonly string[]): string;
  /** ms since 1970 from when on nothing of now counts any more; undefined: policies do not read the clock. */
  until: number | undefined;
}

/** Answers of one set of policies in one window of time; another set, or minute, gets another one of these. */
export class Answers {
  private readonly known: LRUCache<string, Promise<string>>;
  /** By roles, what is to be asked with the next batch. */
  private readonly open = new Map<
    string,
    { question: Question; done(action: string): void; failed(error: unknown): void }[]
  >();
  private asked = 0;

  constructor(
    private readonly client: Pick<GRPC, 'checkResources'>,
    private readonly options: AnswersOptions,
  ) {
    this.known = new LRUCache({ max: options.most });
  }

  /** Queries that Cerbos was asked about. */
  get misses(): number {
    return this.asked;
  }

  /** The action for a query. Rejects with what the transport throws; it is asked again then. */
  of(question: Question): Promise<string> {
    const { until } = this.options;
    if (until !== undefined && Date.now() >= until)
      return Promise.reject(new Error('these answers count no more'));
    const roles = JSON.stringify(question.roles);
    const { qname, qtype, client, lists } = question.query;
    const key = JSON.stringify([roles, qname, qtype, client, lists]);
    let answer = this.known.get(key);
    if (!answer) {
      answer = new Promise<string>((done, failed) => {
        const batch = this.open.get(roles) ?? [];
        batch.push({ question, done, failed });
        this.open.set(roles, batch);
        // Whatever comes in the same turn goes out together.
        if (batch.length === 1) setImmediate(() => void this.flush(roles));
        if (batch.length === checkBatch) void this.flush(roles);
      });
      this.known.set(key, answer);
      answer.catch(() => this.known.delete(key));
    }
    return answer;
  }

  private async flush(key: string): Promise<void> {
    const batch = this.open.get(key);
    if (!batch) return;
    this.open.delete(key);
    this.asked += batch.length;
    const { actions, otherwise } = this.options;
    const roles = batch[0]?.question.roles ?? [];
    try {
      const granted = await check(
        this.client,
        [...roles],
        [...actions],
        batch.map(({ question }) => question.query),
      );
      batch.forEach(({ done }, i) => {
        done(actions.find((action) => granted[i]?.has(action)) ?? otherwise(roles));
      });
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }
}
