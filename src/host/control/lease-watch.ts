// SPDX-License-Identifier: MPL-2.0
// One reader of a watch: what stands in the store, when it wants that, then every change. Changes that come
// while it is shown the first wait in a queue; those that the listing shows already are left out.
import type { Change } from '../store/store.js';
import type { LeaseFilter } from './filter.js';
import type { FeedReader, LeaseFeeds } from './lease-feed.js';
import { type LeaseSource, leaseLine, leasePages } from './lease-list.js';
import type { Lines } from './lines.js';

export interface WatchOptions {
  feeds: LeaseFeeds;
  source: LeaseSource;
  filter: LeaseFilter;
  snapshot: boolean;
  lines: Lines;
}

/** Resolves never: throws when the reader has gone or the follow cannot go on. */
export async function watchLeases(options: WatchOptions): Promise<never> {
  const { feeds, source, filter, lines } = options;
  const reader = new Reader(options);
  const leave = await feeds.join(source.prefix + filter.prefix, reader, lines.signal);
  try {
    for (;;) await reader.round();
  } finally {
    leave();
    reader.end();
  }
}

class Reader implements FeedReader {
  readonly #options: WatchOptions;
  #queue: { change: Change; revision: number }[] = [];
  /** Up to here the reader has been shown everything. */
  #shown = 0;
  #reset = false;
  #failure: Error | undefined;
  /** Something happened that the writing side waits for. */
  #wake: (() => void) | undefined;
  /** The queue is short again, or will be looked at no more. */
  #room: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    options.lines.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  change(changes: Change[], revision: number): void | Promise<void> {
    const { source, filter, lines } = this.#options;
    if (this.#over) return;
    for (const change of changes)
      if (filter.matches(keyOf(change).slice(source.prefix.length))) this.#queue.push({ change, revision });
    this.#wake?.();
    if (this.#queue.length < source.limits.queue) return;
    // It holds up the others now, but not for long.
    this.#timer ??= setTimeout(() => lines.cut(), source.limits.holdUpMs);
    return new Promise((resolve) => this.#room.push(resolve));
  }

  reset(): void {
    this.#reset = true;
    this.#queue = [];
    this.#shown = 0;
    this.#roomy();
    this.#wake?.();
  }

  failed(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }

  end(): void {
    this.#over = true;
    this.#queue = [];
    this.#roomy();
    this.#wake?.();
  }

  /** Until continuity is lost; then the next begins. @throws Gone, or why the follow ended. */
  async round(): Promise<void> {
    const { lines } = this.#options;
    this.#reset = false;
    if (this.#options.snapshot) await this.#snapshot();
    if (!this.#reset) await lines.line({ type: 'live', revision: this.#shown });
    while (!this.#reset) {
      lines.signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#queue.length > 0) await this.#write();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    await lines.line({ type: 'reset' });
  }

  async #snapshot(): Promise<void> {
    const { source, filter, lines } = this.#options;
    for await (const page of leasePages(source, filter, lines.signal)) {
      this.#shown = page.revision;
      if (page.text !== '') await lines.write(page.text);
      if (this.#reset) return;
    }
  }

  async #write(): Promise<void> {
    const { source, lines } = this.#options;
    const taken = this.#queue.splice(0, source.limits.page);
    let text = '';
    for (const { change, revision } of taken)
      if (revision > this.#shown) text += lineOf(change, source.prefix);
    if (text !== '') await lines.write(text);
    if (this.#queue.length < source.limits.queue) this.#roomy();
  }

  #roomy(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#room.splice(0)) resolve();
  }
}

const keyOf = (change: Change) => (change.type === 'put' ? change.entry.key : change.key);

function lineOf(change: Change, prefix: string): string {
  const address = keyOf(change).slice(prefix.length);
  if (change.type === 'put') return leaseLine('put', address, change.entry);
  return `${JSON.stringify({ type: 'delete', address, revision: change.modRevision })}\n`;
}
