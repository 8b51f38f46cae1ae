// SPDX-License-Identifier: MPL-2.0
// The table of programs as a plugin has it: tells which sets of roles and lists there are, numbers actions, and takes
// the section that the plugin made.
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import type { Generation, PolicyQuestion, PolicyRuling, ProgramsTable, RoleSet } from '../plugin/tables.js';

export interface ProgramChannel {
  /** Numbers an action; only once the directory is open. @throws NnoeError */
  action(text: string): number;
  /** Publishes the section, alone when it is not sound. */
  publish(section: Uint8Array | 'unplanned'): Promise<Generation>;
  published(): Promise<Generation>;
}

/** What the programs are made for. */
export interface ProgramInput {
  roleSets: readonly RoleSet[];
  lists: ReadonlyMap<string, number>;
}

/** ms; until a plugin answers questions. */
const unruled = 1000;

/** One that does not throw. */
type Listener<T> = (value: T) => void | Promise<void>;

/** How long what listeners of role sets do is waited for, ms. */
const patience = 1000;

export class Programs {
  readonly #channel: ProgramChannel;
  readonly #roleSets = new Set<Listener<readonly RoleSet[]>>();
  readonly #lists = new Set<Listener<ReadonlyMap<string, number>>>();
  #input: ProgramInput | undefined;
  #shown = { roleSets: '', lists: '' };
  #ruler: ((question: PolicyQuestion) => Promise<PolicyRuling>) | undefined;

  constructor(channel: ProgramChannel) {
    this.#channel = channel;
  }

  /** Tells whoever listens, when it is not what was told last. Resolves when there may be programs for it. */
  async show(input: ProgramInput): Promise<void> {
    const shown = { roleSets: JSON.stringify(input.roleSets), lists: JSON.stringify([...input.lists]) };
    const before = this.#shown;
    this.#input = input;
    this.#shown = shown;
    if (shown.lists !== before.lists) for (const tell of this.#lists) void tell(input.lists);
    if (shown.roleSets === before.roleSets) return;
    const told = [...this.#roleSets].map((tell) => tell(input.roleSets));
    const waited = new AbortController();
    await Promise.race([Promise.all(told), wait(patience, undefined, waited).catch(() => undefined)]);
    waited.abort();
    // What was handed over last is taken in this turn.
    await turn();
  }

  /** What the plugin says of a query without a program. */
  async rule(question: PolicyQuestion): Promise<PolicyRuling> {
    return (await this.#ruler?.(question)) ?? { again: unruled };
  }

  /** @param fail called with what a listener threw. */
  table(live: AbortSignal, fail: (error: unknown) => void): ProgramsTable {
    const safe =
      <T>(listener: Listener<T>): Listener<T> =>
      async (value) => {
        try {
          await listener(value);
        } catch (error) {
          fail(error);
        }
      };
    const publish = (section: Uint8Array | 'unplanned') => {
      live.throwIfAborted();
      return this.#channel.publish(section);
    };
    return {
      published: () => this.#channel.published(),
      roleSets: (listener) => this.#listen(this.#roleSets, safe(listener), this.#input?.roleSets, live),
      lists: (listener) => this.#listen(this.#lists, safe(listener), this.#input?.lists, live),
      action: (text) => this.#channel.action(text),
      publish: async (section) => publish(Buffer.from(section)),
      none: async () => publish('unplanned'),
      rule: (ruler) => {
        live.throwIfAborted();
        this.#ruler = ruler;
        const end = () => {
          if (this.#ruler === ruler) this.#ruler = undefined;
        };
        live.addEventListener('abort', end, { once: true });
      },
    };
  }

  #listen<T>(all: Set<Listener<T>>, listener: Listener<T>, now: T | undefined, live: AbortSignal): void {
    live.throwIfAborted();
    all.add(listener);
    live.addEventListener('abort', () => all.delete(listener), { once: true });
    if (now !== undefined) void listener(now);
  }
}
