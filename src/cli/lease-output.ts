// SPDX-License-Identifier: MPL-2.0
// What `nnoe leases` writes of the lines that come: as they are for programs, as a table and then changes for
// people.
import type { LeaseLine } from '../host/control/api.js';
import type { Received } from './client.js';
import type { Io } from './io.js';
import { changeLine, LeaseTable, leaseCells, leaseHeadings } from './lease-view.js';
import { Progress } from './progress.js';
import { count } from './text.js';

type Lines = readonly Received<LeaseLine>[];

export class ProgramView {
  readonly #io: Io;
  readonly #progress: Progress;

  constructor(io: Io) {
    this.#io = io;
    this.#progress = new Progress(io, 'reading leases');
  }

  async show(lines: Lines): Promise<void> {
    this.#progress.pause();
    await this.#io.out.write(lines.map(({ text }) => `${text}\n`).join(''));
    if (lines.some(({ line }) => line.type === 'live')) this.#progress.end();
  }

  end(): void {
    this.#progress.end();
  }
}

export class PeopleView {
  readonly #io: Io;
  readonly #progress: Progress;
  #table = new LeaseTable();
  #headed = false;
  #rows: string[][] = [];
  #shown = 0;
  /** Addresses whose end was announced: that the key goes next is no news. */
  readonly #ended = new Set<string>();

  constructor(io: Io) {
    this.#io = io;
    this.#progress = new Progress(io, 'reading leases');
  }

  async show(lines: Lines): Promise<void> {
    for (const { line } of lines) await this.#line(line);
    await this.#flush();
    // On a terminal the rows themselves show that it goes on.
    if (!this.#io.out.terminal) this.#progress.say(`${count(this.#shown)} leases written`);
  }

  end(): void {
    this.#progress.end();
  }

  async #line(line: LeaseLine): Promise<void> {
    switch (line.type) {
      case 'lease':
        this.#rows.push(leaseCells(line.address, line.lease, this.#io.now()));
        break;
      case 'put':
      case 'delete':
        await this.#flush();
        await this.#change(line);
        break;
      case 'live':
        await this.#flush();
        this.#progress.end();
        await this.#note('these are the present leases; changes follow, Ctrl-C ends');
        break;
      case 'reset':
        await this.#flush();
        this.#table = new LeaseTable();
        await this.#note('changes may have been missed; the present leases are shown again');
    }
  }

  async #change(line: Extract<LeaseLine, { type: 'put' | 'delete' }>): Promise<void> {
    const { address } = line;
    const lease = line.type === 'put' ? line.lease : undefined;
    if (line.type === 'delete' && this.#ended.delete(address)) return;
    const operation = lease?.operation;
    if (operation === 'release' || operation === 'expire') this.#ended.add(address);
    else this.#ended.delete(address);
    await this.#io.out.line(changeLine(address, lease, new Date(this.#io.now())));
  }

  async #flush(): Promise<void> {
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    const { out } = this.#io;
    if (out.terminal) this.#progress.pause();
    const text = this.#table.add(this.#headed ? rows : [leaseHeadings, ...rows], out.columns);
    const [head = '', ...rest] = text.split('\n');
    await out.line(this.#headed ? text : [out.paint.dim(head), ...rest].join('\n'));
    this.#headed = true;
    this.#shown += rows.length;
  }

  /** Beside the output, for whoever sits at a terminal. */
  async #note(text: string): Promise<void> {
    const { err } = this.#io;
    if (err.terminal) await err.line(err.paint.dim(text));
  }
}
