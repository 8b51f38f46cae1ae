// SPDX-License-Identifier: MPL-2.0
// Entries below audit/logs/: what happened to the stream and the keys that a person would want to look up.

export interface AuditEntry {
  action: string;
  resource: string;
  result: string;
}

export class Audit {
  #last = 0;

  constructor(
    private readonly node: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** Name below audit/logs/ and value. Times are RFC 3339 with milliseconds and never repeat. */
  entry({ action, resource, result }: AuditEntry): { name: string; value: string } {
    this.#last = Math.max(this.now(), this.#last + 1);
    const timestamp = new Date(this.#last).toISOString();
    const value = JSON.stringify({ timestamp, node: this.node, action, resource, result });
    return { name: `${timestamp}-${this.node}`, value };
  }
}
