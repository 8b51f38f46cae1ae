// SPDX-License-Identifier: MPL-2.0
// The pages of an LMDB file, read without LMDB: it follows whatever stands in a page, so that a damaged one ends
// the process with a signal. Here such a page is an answer. What is looked at is what LMDB goes by: that each page
// is the one it is said to be, and that what it points to lies within it and within the file. The layout is that
// of lmdb-js's LMDB (data version 2, 64 bits, little-endian); a page begins with a head of 24 bytes.
import { fstatSync, readSync } from 'node:fs';

export interface PagesResult {
  /** Why LMDB must not be given this file. */
  fault?: string;
  /** Every page in use was looked at. */
  complete: boolean;
}

// Of the two meta pages at the beginning of the file, valid in turns (struct MDB_meta); positions in the page.
const metaMagic = 0xbeefc0de;
const metaAt = { magic: 24, pageSize: 48, freeTable: 48, mainTable: 96, lastPage: 144, transaction: 152 };
const metaBytes = 168;
/** Of struct MDB_db. */
const tableAt = { depth: 6, root: 40 };
const tableBytes = 48;
const pageHead = 24;
const nodeHead = 8;
const noPage = 2n ** 64n - 1n;
/** Deeper than any tree of 2^48 pages. */
const deepest = 40;

const isBranch = 0x01;
const isLeaf = 0x02;
const isOverflow = 0x04;
const kindBits = 0xff;
const isElsewhere = 0x01;
const isTable = 0x02;

class Fault extends Error {}

interface Latest {
  pageSize: number;
  transaction: bigint;
  lastPage: number;
  /** MDB_db of what is free, and of the names of tables. */
  roots: Buffer[];
}

/** A page that is to be looked at, and how far it is from the leaves of its tree. */
interface Step {
  page: number;
  above: number;
}

/** @throws Fault. */
function latestMeta(fd: number, size: number): Latest {
  let latest: Latest | undefined;
  for (let at = 0, i = 0; i < 2; i++) {
    const page = Buffer.alloc(metaBytes);
    if (readSync(fd, page, 0, metaBytes, at) < metaBytes) throw new Fault(`it ends after ${size} bytes`);
    const magic = page.readUInt32LE(metaAt.magic);
    if (magic !== metaMagic) throw new Fault(`its beginning is not LMDB's (at ${at}: ${magic.toString(16)})`);
    const pageSize = page.readUInt32LE(metaAt.pageSize);
    if (pageSize < 512 || pageSize > 65_536) throw new Fault(`it has pages of ${pageSize} bytes`);
    const transaction = page.readBigUInt64LE(metaAt.transaction);
    const lastPage = Number(page.readBigUInt64LE(metaAt.lastPage));
    const roots = [metaAt.freeTable, metaAt.mainTable].map((table) =>
      page.subarray(table, table + tableBytes),
    );
    if (latest === undefined || transaction > latest.transaction)
      latest = { pageSize, transaction, lastPage, roots };
    at += pageSize;
  }
  return latest as Latest;
}

class Walk {
  readonly #fd: number;
  readonly #size: number;
  readonly #meta: Latest;
  readonly #page: Buffer;
  readonly #deadline: number;
  #isLate = false;
  #looked = 0;

  constructor(fd: number, size: number, meta: Latest, deadline: number) {
    this.#fd = fd;
    this.#size = size;
    this.#meta = meta;
    this.#page = Buffer.alloc(meta.pageSize);
    this.#deadline = deadline;
  }

  /** Looks at what all else hangs on first; @returns whether it was done in time. */
  run(): boolean {
    const [free, main] = this.#meta.roots as [Buffer, Buffer];
    const tables: Buffer[] = [];
    // What is free is asked for by the first who writes.
    const leaves = this.#branches(free);
    for (const page of this.#branches(main)) this.#leaf(page, tables);
    for (const table of tables) for (const leaf of this.#branches(table)) leaves.push(leaf);
    // In the order in which they lie on the disk.
    leaves.sort((a, b) => a - b);
    for (const page of leaves) {
      if (this.#late()) break;
      this.#leaf(page);
    }
    return !this.#isLate;
  }

  #late(): boolean {
    if (!this.#isLate && ++this.#looked % 64 === 0) this.#isLate = performance.now() > this.#deadline;
    return this.#isLate;
  }

  /** Goes through a tree down to above its leaves; @returns the pages of those. */
  #branches(table: Buffer): number[] {
    const root = table.readBigUInt64LE(tableAt.root);
    if (root === noPage) return [];
    const depth = table.readUInt16LE(tableAt.depth);
    if (depth < 1 || depth > deepest) throw new Fault(`a tree of it has ${depth} levels`);
    const leaves: number[] = [];
    const steps: Step[] = [{ page: Number(root), above: depth - 1 }];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      if (step.above === 0) leaves.push(step.page);
      else if (this.#late()) break;
      else for (const page of this.#children(step.page)) steps.push({ page, above: step.above - 1 });
    }
    return leaves;
  }

  #children(number: number): number[] {
    const page = this.#read(number, isBranch);
    const children: number[] = [];
    for (const at of this.#nodes(number)) {
      children.push(page.readUInt32LE(at) + page.readUInt16LE(at + 4) * 2 ** 32);
      this.#within(number, at + nodeHead + page.readUInt16LE(at + 6));
    }
    if (children.length < 2) throw new Fault(`page ${number} leads nowhere`);
    return children;
  }

  /** @param tables takes the tables that it names. */
  #leaf(number: number, tables?: Buffer[]): void {
    const page = this.#read(number, isLeaf);
    const elsewhere: { first: number; size: number }[] = [];
    for (const at of this.#nodes(number)) {
      const size = page.readUInt32LE(at);
      const flags = page.readUInt16LE(at + 4);
      const data = at + nodeHead + page.readUInt16LE(at + 6);
      const isFar = (flags & isElsewhere) !== 0;
      this.#within(number, data + (isFar ? pageHead : size));
      if (isFar) elsewhere.push({ first: Number(page.readBigUInt64LE(data)), size });
      if ((flags & isTable) === 0) continue;
      if (size !== tableBytes) throw new Fault(`page ${number} names no table where it should`);
      tables?.push(Buffer.from(page.subarray(data, data + tableBytes)));
    }
    for (const { first, size } of elsewhere) this.#overflow(first, size);
  }

  /** A value that has pages of its own. */
  #overflow(first: number, size: number): void {
    const page = this.#read(first, isOverflow, pageHead);
    const pages = Math.floor((pageHead - 1 + size) / this.#meta.pageSize) + 1;
    if (page.readUInt32LE(20) < pages) throw new Fault(`page ${first} has less than what it should hold`);
    this.#inFile(first + pages - 1);
  }

  #inFile(number: number): void {
    const { lastPage, pageSize } = this.#meta;
    if (number < 2 || number > lastPage) throw new Fault(`page ${number} is none of its ${lastPage + 1}`);
    if ((number + 1) * pageSize > this.#size)
      throw new Fault(`it ends after ${this.#size} bytes, before page ${number}, which is in use`);
  }

  #read(number: number, kind: number, bytes = this.#meta.pageSize): Buffer {
    this.#inFile(number);
    const page = this.#page;
    const { pageSize, transaction } = this.#meta;
    if (readSync(this.#fd, page, 0, bytes, number * pageSize) < bytes)
      throw new Fault(`page ${number} cannot be read whole`);
    const found = page.readUInt16LE(18) & kindBits;
    const isItself = page.readBigUInt64LE(0) === BigInt(number);
    if (!isItself || found !== kind || page.readBigUInt64LE(8) > transaction)
      throw new Fault(`page ${number} is not what it should be`);
    return page;
  }

  /** Where the nodes of the page that was read last begin. */
  *#nodes(number: number): Generator<number> {
    const page = this.#page;
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    if (lower % 2 !== 0 || lower > upper || pageHead + upper > page.length)
      throw new Fault(`page ${number} counts its contents wrongly`);
    for (let at = pageHead; at < pageHead + lower; at += 2) {
      const node = pageHead + page.readUInt16LE(at);
      if (node < pageHead + upper) throw new Fault(`page ${number} points outside of its contents`);
      this.#within(number, node + nodeHead);
      yield node;
    }
  }

  #within(number: number, end: number): void {
    if (end > this.#page.length) throw new Fault(`page ${number} points beyond its end`);
  }
}

/**
 * Looks at the pages of a file that nobody writes.
 * @param killed whoever had it last did not close it; else no more than the beginning is looked at, unless the file
 *   is shorter than it says: pages at the end that were free when they were counted need not be there.
 * @param limit ms; the rest is left then.
 */
export function lookAtPages(fd: number, killed: boolean, limit: number): PagesResult {
  const deadline = performance.now() + limit;
  try {
    const { size } = fstatSync(fd);
    const meta = latestMeta(fd, size);
    if (!killed && size >= (meta.lastPage + 1) * meta.pageSize) return { complete: false };
    return { complete: new Walk(fd, size, meta, deadline).run() };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message, complete: false };
    throw error;
  }
}
