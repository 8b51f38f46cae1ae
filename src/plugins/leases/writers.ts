// SPDX-License-Identifier: MPL-2.0
// Which nodes write leases into this store: one key that each adds itself to, once and for good. While a node
// is alone in it, a transaction proves with a single compare of that key that nobody else can have written in
// between, and the compares of its lease keys may be left out; each costs etcd about a sixth of a put.
// Whoever joins changes the key, which fails that compare. So does this node itself, whenever an attempt of its
// own went unanswered: without a compare of its keys it could be applied late, over something newer.
import type { CommitResult, KeyValue, Transaction } from '../../host/plugin.js';
import type { Compare } from '../../host/store/store.js';

export interface WritersOptions {
  node: string;
  /** Absolute key of the list. */
  key: string;
  commit(transaction: Transaction): Promise<CommitResult>;
}

/** Can never hold, so that the answer tells what the key has. */
const never = Number.MAX_SAFE_INTEGER;

export class Writers {
  readonly #o: WritersOptions;
  #alone: Compare | undefined;
  #joining: Promise<void> | undefined;

  constructor(options: WritersOptions) {
    this.#o = options;
  }

  /** What a transaction has to compare instead of its keys; undefined: we are not, or not known to be, alone. */
  get alone(): Compare | undefined {
    return this.#alone;
  }

  /** Resolves when nothing that compared `used` can be applied any more. */
  async fence(used: Compare): Promise<void> {
    if (this.#alone?.modRevision === used.modRevision) this.#alone = undefined;
    if (this.#alone === undefined) await this.join();
  }

  /** Puts the list anew, with this node in it, and learns whether that is alone. */
  join(): Promise<void> {
    this.#alone = undefined;
    this.#joining ??= this.#join().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  async #join(): Promise<void> {
    const { key, node, commit } = this.#o;
    for (;;) {
      const { current } = await commit({ compare: [{ key, modRevision: never }], operations: [] });
      const nodes = [...new Set([...nodesOf(current[0]), node])];
      const { committed, revision } = await commit({
        compare: [{ key, modRevision: current[0]?.modRevision ?? 0 }],
        operations: [{ put: key, value: JSON.stringify({ nodes }) }],
      });
      if (!committed) continue;
      if (nodes.length === 1) this.#alone = { key, modRevision: revision };
      return;
    }
  }
}

/** What is no list of names counts as somebody else, which only costs compares. */
function nodesOf(entry: KeyValue | undefined): string[] {
  if (entry === undefined) return [];
  try {
    const { nodes } = JSON.parse(entry.value.toString('utf8')) as { nodes?: unknown };
    if (Array.isArray(nodes) && nodes.every((name) => typeof name === 'string')) return nodes;
    return ['?'];
  } catch {
    return ['?'];
  }
}
