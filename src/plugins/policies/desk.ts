// SPDX-License-Identifier: MPL-2.0
// Where bridges' questions are answered: about sets of roles whose conditions cannot be compiled, by the policies that the
// programs in force were made of. While these are being changed, and while Cerbos does not answer, questions are put off
// and nothing is remembered: `on-miss` holds.
import type { GRPC } from '@cerbos/grpc';
import { addressText, type PolicyQuestion, type PolicyRuling } from '../../host/plugin.js';
import { type Answer, Answers } from './answers.js';
import { type Clock, nextBoundary } from './clock.js';
import { nameText } from './name.js';
import { OtherPolicies, type QueryAttributes } from './pdp/pdp.js';
import { qtypeText } from './qtypes.js';

/** What is in force. */
export interface Ruled {
  /** Of the programs section. */
  basis: bigint;
  client: Pick<GRPC, 'checkResources'>;
  /** See Decider. */
  mark: string;
  clock: Clock;
  /** Sets of roles that are asked about, by number. */
  roles: ReadonlyMap<number, readonly string[]>;
  lists: ReadonlyMap<string, number>;
  /** In the order in which they are asked. */
  actions: readonly string[];
  otherwise(roles: readonly string[]): string;
  /** Numbers of actions in the tables. */
  numbers: ReadonlyMap<string, number>;
}

export interface DeskOptions {
  /** Longest time that an answer counts, ms. */
  maxAge: number;
  events: DeskEvents;
}

export interface DeskEvents {
  /** What became of a question. */
  ruled(outcome: 'known' | 'asked' | 'put-off'): void;
  /** Cerbos does not answer. */
  failed(reason: string): void;
  /** It answers again. */
  answers(): void;
  /** It has other policies than those that it was given. */
  lost(): void;
}

/** Answers that the host remembers: some 10 MB. */
const most = 20_000;
/** ms; a change of policies takes some hundred. */
const soon = 50;
const firstPause = 200;
const longestPause = 5000;

interface Open extends Ruled {
  answers: Answers | undefined;
  /** Of `answers`, ms since 1970. */
  from: number;
  until: number;
  listNames: ReadonlyMap<number, string>;
}

export class Desk {
  /** Questions since the start, by what became of them. */
  readonly counts = { known: 0, asked: 0, putOff: 0 };
  private ruled: Open | undefined;
  private failures = 0;
  /** Monotonic, ms. */
  private awayUntil = 0;

  constructor(private readonly options: DeskOptions) {}

  /** From now on nothing is answered, nor what is being asked. */
  close(): void {
    this.ruled = undefined;
  }

  open(ruled: Ruled): void {
    const before = this.ruled;
    // What is known stays known, unless it was learned by something else.
    if (before?.basis === ruled.basis && before.mark === ruled.mark) return;
    const listNames = new Map([...ruled.lists].map(([name, number]) => [number, name]));
    this.ruled = { ...ruled, answers: undefined, from: 0, until: 0, listNames };
    this.failures = 0;
    this.awayUntil = 0;
  }

  async rule(question: PolicyQuestion): Promise<PolicyRuling> {
    const { ruled } = this;
    if (ruled === undefined || question.basis !== ruled.basis) return this.putOff(soon);
    const told = await this.ask(ruled, question.roleSet, attributes(question, ruled.listNames));
    if ('again' in told) return this.putOff(told.again);
    const { answer, asked, until } = told;
    const number = ruled.numbers.get(answer.action);
    if (number === undefined) return this.putOff(soon);
    this.counts[asked ? 'asked' : 'known']++;
    this.options.events.ruled(asked ? 'asked' : 'known');
    return { action: number, from: answer.from, until: Math.min(until, answer.from + this.options.maxAge) };
  }

  /** The action that a bridge would be told of now; undefined: none, and `on-miss` holds. Counts nothing. */
  async explain(roleSet: number, query: QueryAttributes): Promise<string | undefined> {
    const told = this.ruled && (await this.ask(this.ruled, roleSet, query));
    return told && 'answer' in told ? told.answer.action : undefined;
  }

  private async ask(ruled: Open, roleSet: number, query: QueryAttributes): Promise<Told> {
    const roles = ruled.roles.get(roleSet);
    if (roles === undefined) return { again: soon };
    const away = this.awayUntil - performance.now();
    if (away > 0) return { again: away };
    const answers = this.answersOf(ruled);
    const { until } = ruled;
    const before = answers.questions;
    const answered = answers.of({ roles, query });
    const asked = answers.questions > before;
    let answer: Answer;
    try {
      answer = await answered;
    } catch (error) {
      const changed = this.ruled !== ruled || Date.now() >= until;
      return { again: changed ? soon : this.failed(error) };
    }
    if (this.ruled !== ruled) return { again: soon };
    if (asked && this.failures > 0) {
      this.failures = 0;
      this.options.events.answers();
    }
    return { answer, asked, until };
  }

  /** Those of the present window of time. */
  private answersOf(ruled: Open): Answers {
    const now = Date.now();
    // A clock that was set back is another window, too.
    if (ruled.answers === undefined || now < ruled.from || now >= ruled.until) {
      const boundary = nextBoundary(ruled.clock, now);
      ruled.from = now;
      ruled.until = boundary ?? Number.POSITIVE_INFINITY;
      ruled.answers = new Answers(ruled.client, {
        most,
        // Whoever is told then may go by it for the other half at least.
        keep: this.options.maxAge / 2,
        actions: ruled.actions,
        otherwise: ruled.otherwise,
        until: boundary,
        mark: ruled.mark,
      });
    }
    return ruled.answers;
  }

  /** After how many ms to ask again. */
  private failed(error: unknown): number {
    if (error instanceof OtherPolicies) {
      this.close();
      this.options.events.lost();
      return soon;
    }
    // Those under way at once fail at once, and count once.
    if (this.awayUntil > performance.now()) return this.awayUntil - performance.now();
    const pause = Math.min(longestPause, firstPause * 2 ** Math.min(this.failures++, 10));
    this.awayUntil = performance.now() + pause;
    this.options.events.failed(error instanceof Error ? error.message : String(error));
    return pause;
  }

  private putOff(again: number): PolicyRuling {
    this.counts.putOff++;
    this.options.events.ruled('put-off');
    return { again };
  }
}

type Told = { answer: Answer; asked: boolean; until: number } | { again: number };

/** The query as policies see it. */
function attributes(
  { name, type, client, lists }: PolicyQuestion,
  listNames: ReadonlyMap<number, string>,
): QueryAttributes {
  return {
    qname: nameText(name),
    qtype: qtypeText(type),
    // Where it makes no difference it is still sent, as every attribute is.
    client: client === undefined ? '0.0.0.0' : addressText(client),
    lists: lists.flatMap((list) => listNames.get(list) ?? []).sort(),
  };
}
