// SPDX-License-Identifier: MPL-2.0
// What this node last knew of its keys in the store, without their values: a column for each fact, in chunks
// so that growing copies nothing, and a table from address to slot. Bytes a key: 41 (IPv4) or 53 (IPv6), and
// 5 to 11 for the table (between 37 and 75 % full). One million: about 50 or 62 MB.
import { randomBytes } from 'node:crypto';
import { Active } from './active.js';
import type { Word } from './value.js';

const chunkBits = 14;
const chunkSize = 1 << chunkBits;
const chunkMask = chunkSize - 1;

const words: readonly Word[] = ['offer', 'renew', 'release', 'expire'];
const wordMask = 3;
const live = 4;
const unsure = 8;
const unread = 16;

interface Chunk {
  address: Uint32Array;
  revision: Float64Array;
  seq: Float64Array;
  hashLow: Uint32Array;
  hashHigh: Uint32Array;
  client: Uint32Array;
  walk: Uint32Array;
  end: Uint32Array;
  flags: Uint8Array;
}

function newChunk(width: number): Chunk {
  return {
    address: new Uint32Array(chunkSize * width),
    revision: new Float64Array(chunkSize),
    seq: new Float64Array(chunkSize),
    hashLow: new Uint32Array(chunkSize),
    hashHigh: new Uint32Array(chunkSize),
    client: new Uint32Array(chunkSize),
    walk: new Uint32Array(chunkSize),
    end: new Uint32Array(chunkSize),
    flags: new Uint8Array(chunkSize),
  };
}

export interface Facts {
  /** Revision of the key's last change; 0: not in the store. */
  revision: number;
  /** Highest sequence applied. */
  seq: number;
  hashLow: number;
  hashHigh: number;
  /** Hash of who holds the lease. */
  client: number;
  word: Word;
}

export class Known {
  readonly #width: number;
  readonly #chunks: Chunk[] = [];
  /** Slot + 1 by address, linear probing; 0 is empty. */
  #table = new Uint32Array(1024);
  /** Slots that were given out once; `#free` are those given back. */
  #used = 0;
  readonly #free: number[] = [];
  #size = 0;
  readonly #seed = randomBytes(4).readUInt32LE(0) | 1;
  readonly #probe = new Uint32Array(4);
  /** Leases of this node that are in use. */
  readonly active = new Active();

  /** @param family 4 or 6: every address has 4 or 16 bytes. */
  constructor(readonly family: 4 | 6) {
    this.#width = family === 4 ? 1 : 4;
  }

  /** Bytes of an address. */
  get width(): number {
    return this.#width * 4;
  }

  get size(): number {
    return this.#size;
  }

  /** Slots are below this. */
  get slots(): number {
    return this.#used;
  }

  #load(address: Uint8Array): void {
    for (let i = 0; i < this.#width; i++)
      this.#probe[i] =
        (address[i * 4] as number) |
        ((address[i * 4 + 1] as number) << 8) |
        ((address[i * 4 + 2] as number) << 16) |
        ((address[i * 4 + 3] as number) << 24);
  }

  #home(words: Uint32Array, from: number): number {
    let hash = this.#seed;
    for (let i = 0; i < this.#width; i++) {
      hash = Math.imul(hash ^ (words[from + i] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return (hash >>> 0) & (this.#table.length - 1);
  }

  #matches(slot: number): boolean {
    const column = (this.#chunks[slot >>> chunkBits] as Chunk).address;
    const at = (slot & chunkMask) * this.#width;
    for (let i = 0; i < this.#width; i++) if (column[at + i] !== this.#probe[i]) return false;
    return true;
  }

  /** Place in the table of the loaded address, or of the empty place where it belongs. */
  #place(): number {
    const mask = this.#table.length - 1;
    let at = this.#home(this.#probe, 0);
    for (;;) {
      const entry = this.#table[at] as number;
      if (entry === 0 || this.#matches(entry - 1)) return at;
      at = (at + 1) & mask;
    }
  }

  /** The slot of an address, or -1. */
  find(address: Uint8Array): number {
    this.#load(address);
    return (this.#table[this.#place()] as number) - 1;
  }

  /** The slot of an address; a new one says that the key is not in the store. */
  add(address: Uint8Array): number {
    this.#load(address);
    const place = this.#place();
    const found = this.#table[place] as number;
    if (found !== 0) return found - 1;
    const slot = this.#free.pop() ?? this.#used++;
    this.#chunks[slot >>> chunkBits] ??= newChunk(this.#width);
    const chunk = this.#chunk(slot);
    const i = slot & chunkMask;
    for (let w = 0; w < this.#width; w++) chunk.address[i * this.#width + w] = this.#probe[w] as number;
    this.set(slot, { revision: 0, seq: 0, hashLow: 0, hashHigh: 0, client: 0, word: 'offer' });
    chunk.walk[i] = 0;
    this.#table[place] = slot + 1;
    if (++this.#size * 4 > this.#table.length * 3) this.#grow();
    return slot;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (const entry of old) if (entry !== 0) this.#table[this.#vacancy(entry - 1)] = entry;
  }

  #homeOf(slot: number): number {
    return this.#home((this.#chunks[slot >>> chunkBits] as Chunk).address, (slot & chunkMask) * this.#width);
  }

  #vacancy(slot: number): number {
    let at = this.#homeOf(slot);
    while (this.#table[at] !== 0) at = (at + 1) & (this.#table.length - 1);
    return at;
  }

  remove(slot: number): void {
    const chunk = this.#chunks[slot >>> chunkBits] as Chunk;
    const i = slot & chunkMask;
    if (((chunk.flags[i] as number) & live) === 0) return;
    for (let w = 0; w < this.#width; w++) this.#probe[w] = chunk.address[i * this.#width + w] as number;
    this.#close(this.#place());
    this.setEnd(slot, 0);
    chunk.flags[i] = 0;
    this.#free.push(slot);
    this.#size--;
  }

  /** Empties a place and moves up what would no longer be found beyond it. */
  #close(place: number): void {
    const mask = this.#table.length - 1;
    let hole = place;
    for (let at = (place + 1) & mask; this.#table[at] !== 0; at = (at + 1) & mask) {
      const home = this.#homeOf((this.#table[at] as number) - 1);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#table[hole] = this.#table[at] as number;
      hole = at;
    }
    this.#table[hole] = 0;
  }

  #chunk(slot: number): Chunk {
    return this.#chunks[slot >>> chunkBits] as Chunk;
  }

  isLive(slot: number): boolean {
    return ((this.#chunk(slot).flags[slot & chunkMask] as number) & live) !== 0;
  }

  set(slot: number, facts: Facts): void {
    const chunk = this.#chunk(slot);
    const i = slot & chunkMask;
    chunk.revision[i] = facts.revision;
    chunk.seq[i] = facts.seq;
    chunk.hashLow[i] = facts.hashLow;
    chunk.hashHigh[i] = facts.hashHigh;
    chunk.client[i] = facts.client;
    chunk.flags[i] = live | words.indexOf(facts.word);
  }

  revision(slot: number): number {
    return this.#chunk(slot).revision[slot & chunkMask] as number;
  }

  setRevision(slot: number, revision: number): void {
    this.#chunk(slot).revision[slot & chunkMask] = revision;
  }

  seq(slot: number): number {
    return this.#chunk(slot).seq[slot & chunkMask] as number;
  }

  raiseSeq(slot: number, seq: number): void {
    const column = this.#chunk(slot).seq;
    const i = slot & chunkMask;
    if ((column[i] as number) < seq) column[i] = seq;
  }

  sameHash(slot: number, low: number, high: number): boolean {
    const chunk = this.#chunk(slot);
    const i = slot & chunkMask;
    return chunk.hashLow[i] === low && chunk.hashHigh[i] === high;
  }

  client(slot: number): number {
    return this.#chunk(slot).client[slot & chunkMask] as number;
  }

  word(slot: number): Word {
    return words[(this.#chunk(slot).flags[slot & chunkMask] as number) & wordMask] as Word;
  }

  /** Unsure: another's value, or one whose content is not known; to be read before anything is decided. */
  isUnsure(slot: number): boolean {
    return ((this.#chunk(slot).flags[slot & chunkMask] as number) & unsure) !== 0;
  }

  setUnsure(slot: number): void {
    const { flags } = this.#chunk(slot);
    flags[slot & chunkMask] = (flags[slot & chunkMask] as number) | unsure;
    // Whose it is and when it ends is not known either.
    this.setEnd(slot, 0);
  }

  /**
   * Unread: this node's value from before this life, of which only revision, sequence and end are known. Enough
   * to replace it, not to leave it as it is or to remove it.
   */
  isUnread(slot: number): boolean {
    return ((this.#chunk(slot).flags[slot & chunkMask] as number) & unread) !== 0;
  }

  setUnread(slot: number): void {
    const { flags } = this.#chunk(slot);
    flags[slot & chunkMask] = (flags[slot & chunkMask] as number) | unread;
  }

  /** @param end see endOf; 0: not in use, or not ours. */
  setEnd(slot: number, end: number): void {
    const column = this.#chunk(slot).end;
    const i = slot & chunkMask;
    this.active.move(column[i] as number, end);
    column[i] = end;
  }

  /** The walk that last showed the key, times two, and one more once its key was met in the store. */
  walk(slot: number): number {
    return this.#chunk(slot).walk[slot & chunkMask] as number;
  }

  setWalk(slot: number, mark: number): void {
    this.#chunk(slot).walk[slot & chunkMask] = mark;
  }
}
