// SPDX-License-Identifier: MPL-2.0
// One list that follows a file: reads it when it changed, and decides whether what it found counts.
import type { LoadReport } from '../../host/plugin.js';
import type { ListConfig, ListsContext } from './declaration.js';
import { exceptionsSuffix } from './declaration.js';
import { holdReason } from './hold.js';
import { say } from './messages.js';
import { badRows, type ListReport, some } from './report.js';
import { fileReason, signatureOf } from './watch.js';

export interface FileListOptions {
  ctx: ListsContext;
  name: string;
  config: ListConfig & { path: string };
  /** Canonical names that it must not cover; asked at each load. */
  protect: () => readonly string[];
}

type Found = Pick<LoadReport, 'format' | 'bad' | 'withheld'>;

export class FileList {
  readonly name: string;
  readonly path: string;
  readonly #options: FileListOptions;
  /** Of the file that was read last, whatever became of it. */
  #signature: string | undefined;
  /** What the last file that was read had. */
  #found: Found | undefined;
  #loaded: Date | undefined;
  #held: ListReport['held'];
  #failed: ListReport['failed'];
  /** Loads of one list come one after another. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: FileListOptions) {
    this.name = options.name;
    this.path = options.config.path;
    this.#options = options;
  }

  /**
   * Reads the file if it is another one than last time.
   * @param how.force reads it in any case. @param how.accept takes it however much it lost.
   */
  look(how: { force?: boolean; accept?: boolean } = {}): Promise<void> {
    this.#last = this.#last.then(() => this.#look(how));
    return this.#last;
  }

  report(): Omit<ListReport, 'subscriptions'> {
    const { ctx, config } = this.#options;
    const { table } = ctx;
    const { format, bad = {}, withheld = { names: 0, first: [] } } = this.#found ?? {};
    return {
      name: this.name,
      kind: config.kind,
      source: this.path,
      ...(format === undefined ? {} : { format }),
      names: table.names.size(this.name),
      exceptions: this.#exceptions === undefined ? 0 : table.names.size(this.#exceptions),
      ...(this.#loaded === undefined ? {} : { loaded: this.#loaded.toISOString() }),
      bad,
      withheld,
      ...(this.#held === undefined ? {} : { held: this.#held }),
      ...(this.#failed === undefined ? {} : { failed: this.#failed }),
    };
  }

  get #exceptions(): string | undefined {
    const { kind, exceptions } = this.#options.config;
    return kind === 'block' && exceptions === 'allow' ? this.name + exceptionsSuffix : undefined;
  }

  async #look({ force = false, accept = false }: { force?: boolean; accept?: boolean }): Promise<void> {
    const { signal } = this.#options.ctx;
    try {
      const signature = await signatureOf(this.path);
      if (!force && signature === this.#signature) return;
      // If it fails it is read again at the next look.
      this.#signature = undefined;
      await this.#load(accept);
      this.#signature = signature;
      this.#failed = undefined;
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error);
    }
  }

  async #load(accept: boolean): Promise<void> {
    const { ctx, config, protect } = this.#options;
    const begin = performance.now();
    let hold: string | undefined;
    const exceptions = this.#exceptions;
    const report = await ctx.table.names.load(this.name, {
      path: this.path,
      format: config.format,
      subdomains: config.subdomains ?? false,
      ...(exceptions === undefined ? {} : { exceptions }),
      ...(config.kind === 'block' ? { protect: protect() } : {}),
      accept: ({ before, names }) => {
        hold = accept ? undefined : holdReason(before, names, ctx.config['shrink-limit']);
        return hold === undefined;
      },
    });
    ctx.metrics.load_seconds.observe((performance.now() - begin) / 1000);
    if (hold === undefined) this.#take(report);
    else this.#hold(hold, report);
    for (const [reason, { rows }] of Object.entries(report.bad))
      ctx.metrics.rows_bad_total.inc({ list: this.name, reason }, rows);
  }

  #take(report: LoadReport): void {
    const { log, metrics, table } = this.#options.ctx;
    this.#held = undefined;
    this.#found = report;
    this.#loaded = new Date();
    metrics.loads_total.inc({ list: this.name, result: 'taken' });
    metrics.loaded_timestamp_seconds.set({ list: this.name }, this.#loaded.getTime() / 1000);
    const names = table.names.size(this.name);
    say(log, 'LISTS_LOADED', { list: this.name, names, bad: badRows(report.bad) });
    const { names: count, first } = report.withheld;
    if (count > 0) say(log, 'LISTS_WITHHELD', { list: this.name, count, names: some(first, count) });
  }

  /** What is known of the rows stays that of the names in force. */
  #hold(reason: string, { names }: LoadReport): void {
    const { log, metrics } = this.#options.ctx;
    this.#held = { reason, names, since: this.#held?.since ?? new Date().toISOString() };
    metrics.loads_total.inc({ list: this.name, result: 'held' });
    say(log, 'LISTS_HELD', { list: this.name, reason });
  }

  #fail(error: unknown): void {
    const { log, metrics } = this.#options.ctx;
    const reason = fileReason(this.path, error);
    metrics.loads_total.inc({ list: this.name, result: 'failed' });
    if (this.#failed?.reason === reason) return;
    this.#failed = { reason, since: this.#failed?.since ?? new Date().toISOString() };
    say(log, 'LISTS_FAILED', { list: this.name, reason });
  }
}
