// SPDX-License-Identifier: MPL-2.0
// Which text of each policy is to be used: the one in the store, or, when that one is bad, the last that was good.
import type { KeptPolicy } from './kept.js';
import { lint } from './lint.js';
import type { PolicyText } from './pdp/pdp.js';

export interface PolicyState {
  id: string;
  /** used: as it stands in the store; old: the last good text, because that one is refused. */
  state: 'used' | 'old' | 'refused';
  /** Why the text in the store is not used. */
  reasons: string[];
  /** The text that is in force, else the one in the store. */
  text: string;
  /** When that came into force, ms since 1970; undefined: it is not in force, or that is not known. */
  since: number | undefined;
}

interface Known {
  text: string;
  /** What is wrong with the text by itself. */
  lint: string[];
  /** What Cerbos or the compiler found; it may have come of another policy. */
  found: string[];
}

const bad = ({ lint, found }: Known): boolean => lint.length + found.length > 0;

export class Candidates {
  /** By id, what stands in the store. */
  private store = new Map<string, Known>();
  /** By id, the last good ones. */
  private good: Map<string, KeptPolicy>;

  /** @param good of an earlier life */
  constructor(good: readonly KeptPolicy[] = []) {
    const sound = good.filter(({ id, text }) => lint(id, text).findings.length === 0);
    this.good = new Map(sound.map((each) => [each.id, each]));
  }

  /** What the store holds now. */
  replace(policies: ReadonlyMap<string, string>): void {
    this.store = new Map(
      [...policies].map(([id, text]) => {
        const before = this.store.get(id);
        // What was found may end with any change, and is found again if not.
        if (before?.text === text) return [id, { ...before, found: [] }];
        const { findings } = lint(id, text);
        const reasons = findings.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
        return [id, { text, lint: reasons, found: [] }];
      }),
    );
    for (const id of this.good.keys()) if (!this.store.has(id)) this.good.delete(id);
  }

  /** Texts to use, in the order of their ids. */
  chosen(): PolicyText[] {
    const all = [...this.store].flatMap(([id, known]) => {
      const use = bad(known) ? this.good.get(id)?.text : known.text;
      return use === undefined ? [] : [{ id, text: use }];
    });
    return all.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * Says that a text that was chosen is bad. When it was the one in the store, the last good one is next; when it was
   * that one, there is none any more.
   */
  refuse(id: string, text: string, reason: string): void {
    const known = this.store.get(id);
    if (known?.text === text) known.found.push(reason);
    if (this.good.get(id)?.text === text) this.good.delete(id);
  }

  /** Whether this text has been in force. */
  wasGood({ id, text }: PolicyText): boolean {
    return this.good.get(id)?.text === text;
  }

  /** These are in force. */
  accept(policies: readonly PolicyText[]): KeptPolicy[] {
    return policies.map((policy) => {
      const before = this.good.get(policy.id);
      const accepted = before?.text === policy.text ? before : { ...policy, since: Date.now() };
      this.good.set(policy.id, accepted);
      return accepted;
    });
  }

  states(): PolicyState[] {
    return [...this.store]
      .map(([id, known]): PolicyState => {
        const good = this.good.get(id);
        const state = bad(known) ? (good ? 'old' : 'refused') : 'used';
        const text = bad(known) ? (good?.text ?? known.text) : known.text;
        const since = good?.text === text ? good.since : undefined;
        return { id, state, reasons: [...known.lint, ...known.found], text, since };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
