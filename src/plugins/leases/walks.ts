// SPDX-License-Identifier: MPL-2.0
// Walks from their first record to their consequences in the store, across the lives of this plugin.
import { reasonOf } from '../../host/errors.js';
import type { LeaseRecord, WalkScope } from '../../host/plugin.js';
import type { LeasesContext } from './declaration.js';
import type { Batch } from './job.js';
import type { Known } from './known.js';
import { say } from './messages.js';
import { Reconciler, type SweepStore, type Walk } from './reconcile.js';
import type { Writer } from './writer.js';

type WalkEnd = Extract<LeaseRecord, { kind: 'walk-end' }>;
export type Note = (action: string, resource: string, result: string, batch?: Batch) => void;

export class Walks {
  readonly #reconciler: Reconciler;
  /** Gone through one after the other. */
  #queue: Promise<void> = Promise.resolve();
  /** Sources whose next walk repairs what the last one found damaged. */
  readonly #repairing = new Set<string>();

  constructor(
    private readonly ctx: LeasesContext,
    private readonly writer: Writer,
    private readonly note: Note,
    store: SweepStore,
    gone: (name: string) => void,
  ) {
    const pending = (known: Known, slot: number) => writer.pending(known, slot);
    this.#reconciler = new Reconciler({ node: ctx.node, store, pending, gone });
  }

  /** A walk whose end was handed over, but not gone through before this node stopped, is made again. */
  async resume(): Promise<void> {
    const { prefix, node } = this.ctx;
    for await (const page of prefix.walks.list({ after: `${node}/` }))
      for (const { key } of page.entries) {
        const name = prefix.walks.name(key) ?? '';
        if (!name.startsWith(`${node}/`)) return;
        this.ctx.requestWalk(name.slice(node.length + 1));
      }
  }

  begin(source: string, scope: WalkScope, batch: Batch): void {
    this.#reconciler.begin(source, scope);
    this.note('walk-begin', source, `walk ${scope.id} (${scope.cause})`, batch);
  }

  /** See Reconciler.mark. */
  mark(source: string): number {
    return this.#reconciler.mark(source);
  }

  end(source: string, known: Known, { walk, complete, leases }: WalkEnd, batch: Batch): void {
    const begun = this.#reconciler.end(source, walk.id);
    const how = complete ? 'complete' : 'cut short';
    this.note('walk-end', source, `walk ${walk.id}: ${leases} leases, ${how}`, batch);
    if (!complete) return;
    if (begun === undefined) {
      this.ctx.requestWalk(source);
      return;
    }
    // Until it has been gone through, this key has the next life ask for another walk.
    const marker = this.ctx.prefix.walks.key(`${this.ctx.node}/${source}`);
    this.writer.plain(marker, JSON.stringify({ id: walk.id, state: 'reconciling' }), batch);
    this.#queue = this.#queue
      .then(() => this.#reconcile(source, known, begun, marker))
      .catch((error: unknown) => {
        if (this.ctx.signal.aborted) return;
        say(this.ctx.log, 'LEASES_WALK_FAILED', { source, reason: reasonOf(error) });
        this.ctx.requestWalk(source);
      });
  }

  async #reconcile(source: string, known: Known, walk: Walk, marker: string): Promise<void> {
    const { log, metrics, signal } = this.ctx;
    await this.writer.barrier();
    const { removed, damaged } = await this.#reconciler.run(known, walk, signal);
    metrics.removed_total.inc({ reason: 'walk' }, removed);
    say(log, 'LEASES_WALK_DONE', { source, walk: walk.id, removed, damaged });
    this.note('walk-reconciled', source, `walk ${walk.id}: ${removed} removed, ${damaged} damaged`);
    await this.ctx.commit({ operations: [{ delete: marker }] });
    // Once only: what is damaged again at once is being damaged by somebody, and walks do not stop that.
    if (this.#repairing.delete(source) || damaged === 0) return;
    this.#repairing.add(source);
    this.ctx.requestWalk(source);
  }

  /** A key was deleted by a sweep. */
  forget(known: Known, name: string): void {
    this.#reconciler.forget(known, name);
  }
}
