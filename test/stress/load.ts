// SPDX-License-Identifier: MPL-2.0
// Clients that do not go away: one perfdhcp after the other, whatever happens to the server.
import type { Kea } from '../daemons/lib/kea.js';
import { type Load, type LoadOptions, load } from '../daemons/lib/perfdhcp.js';

export class Clients {
  private current: Load | undefined;
  private ended: Promise<void> = Promise.resolve();
  private stopping = false;

  constructor(
    private readonly kea: Kea,
    private readonly options: Omit<LoadOptions, 'seconds'>,
  ) {}

  begin(): void {
    this.stopping = false;
    this.ended = this.run();
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.current = load(this.kea, { ...this.options, seconds: 30 });
      await this.current.proc.ended(120_000);
    }
  }

  /** Resolves when nothing more is sent and late answers have had their time. */
  async end(): Promise<void> {
    this.stopping = true;
    this.current?.proc.signal('SIGINT');
    await this.ended;
  }
}
