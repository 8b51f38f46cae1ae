// SPDX-License-Identifier: MPL-2.0
// The bytes of a programs section: native/shm/tables/program_format.h describes them, program_check.cc opens them.
import { Op, programLimits } from '../../../host/gen/program.js';
import { type Constant, constantKey } from './constants.js';
import type { Graph, Node } from './graph.js';
import { Refused } from './refused.js';

/** What a role set gets. */
export type Entry =
  | { kind: 'program'; graph: Graph; root: number }
  /** Asked of the policy decision point; `client`: the answer depends on the client's address; `action` until it is there. */
  | { kind: 'fallback'; client: boolean; action: number }
  | { kind: 'unplanned' };

export interface Terminal {
  action: number;
  why: string;
}

export interface SectionTimes {
  /** us since 1970; 0 is unknown, never. */
  planned: number;
  until: number;
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);

/** At most so many bytes of UTF-8. */
function clipped(text: string): Buffer {
  let bytes = Buffer.from(text, 'utf8');
  for (let size = text.length; bytes.length > programLimits.maxWhy; size--)
    bytes = Buffer.from(text.slice(0, size), 'utf8');
  return bytes;
}

export class SectionWriter {
  private readonly entries: number[] = [];
  private readonly programs: { first: number; count: number }[] = [];
  private readonly known = new Map<string, number>();
  private readonly code: Buffer[] = [];
  private instructions = 0;
  private readonly constants: { constant: Constant; offset: number }[] = [];
  private readonly constantIds = new Map<string, number>();
  private readonly terminals: { action: number; offset: number; bytes: number }[] = [];
  private readonly terminalIds = new Map<string, number>();
  private readonly pool: Buffer[] = [];
  private poolBytes = 0;

  /** @param ends what the ends of the graphs mean, by their text */
  constructor(private readonly ends: (end: string) => Terminal) {}

  /** Instructions of all programs. */
  get size(): number {
    return this.instructions;
  }

  /** @throws Refused when a program or the section is too large */
  set(roleSet: number, entry: Entry): void {
    while (this.entries.length <= roleSet) this.entries.push(programLimits.unplanned);
    this.entries[roleSet] = this.entry(entry);
  }

  private entry(entry: Entry): number {
    if (entry.kind === 'unplanned') return programLimits.unplanned;
    if (entry.kind === 'fallback') {
      const flags = programLimits.fallback + (entry.client ? programLimits.fallbackClient : 0);
      return flags + entry.action;
    }
    const code = this.assembled(entry.graph, entry.root);
    const key = code.toString('latin1');
    let id = this.known.get(key);
    if (id === undefined) {
      id = this.programs.push({ first: this.instructions, count: code.length / 8 });
      this.known.set(key, id);
      this.code.push(code);
      this.instructions += code.length / 8;
    }
    return id;
  }

  private assembled(graph: Graph, root: number): Buffer {
    const order = graph.order(root);
    if (order.length > programLimits.maxProgram) {
      throw new Refused(
        'or',
        `the conditions of one role set need ${order.length} steps, more than ${programLimits.maxProgram}`,
      );
    }
    const place = new Map(order.map((id, i) => [id, i]));
    const code = Buffer.alloc(order.length * 8);
    order.forEach((id, i) => {
      const node = graph.nodes[id] as Node;
      if (node.kind === 'end') {
        code.writeUInt8(Op.return, i * 8);
        code.writeUInt16LE(this.terminal(node.end), i * 8 + 6);
        return;
      }
      const { test } = node;
      code.writeUInt8(test.op, i * 8);
      code.writeUInt8(test.arg, i * 8 + 1);
      code.writeUInt16LE((place.get(node.onTrue) as number) - i, i * 8 + 2);
      code.writeUInt16LE((place.get(node.onFalse) as number) - i, i * 8 + 4);
      code.writeUInt16LE(
        typeof test.operand === 'number' ? test.operand : this.constant(test.operand),
        i * 8 + 6,
      );
    });
    return code;
  }

  private constant(constant: Constant): number {
    const key = constantKey(constant);
    let id = this.constantIds.get(key);
    if (id === undefined) {
      id = this.constants.length;
      if (id + 1 >= programLimits.maxConstants)
        throw new Refused('or', 'the policies have too many constants');
      this.constantIds.set(key, id);
      this.constants.push({ constant, offset: this.pooled(constant.bytes) });
    }
    return id;
  }

  private terminal(end: string): number {
    let id = this.terminalIds.get(end);
    if (id === undefined) {
      id = this.terminals.length;
      if (id >= programLimits.maxTerminals) throw new Refused('or', 'the policies have too many conditions');
      const { action, why } = this.ends(end);
      const text = clipped(why);
      this.terminals.push({ action, offset: this.pooled(text), bytes: text.length });
      this.terminalIds.set(end, id);
    }
    return id;
  }

  private pooled(bytes: Buffer): number {
    const offset = this.poolBytes;
    const whole = padded(bytes);
    this.pool.push(whole);
    this.poolBytes += whole.length;
    return offset;
  }

  /**
   * @param lists how many lists there are: ids below this may be named
   * @param basis of what is asked of the policy decision point; 0: nothing is
   */
  bytes(lists: number, times: SectionTimes, basis = 0n): Buffer {
    const header = Buffer.alloc(64);
    const numbers = [
      ...[programLimits.format, this.entries.length, this.programs.length, this.instructions],
      ...[this.constants.length, this.terminals.length, this.poolBytes, lists],
    ];
    numbers.forEach((number, i) => {
      header.writeUInt32LE(number, i * 4);
    });
    header.writeBigUInt64LE(BigInt(times.planned), 32);
    header.writeBigUInt64LE(BigInt(times.until), 40);
    header.writeBigUInt64LE(basis, 48);
    const words = (all: number[]) => Buffer.from(Uint32Array.from(all).buffer);
    return Buffer.concat([
      header,
      padded(words(this.entries)),
      words(this.programs.flatMap(({ first, count }) => [first, count])),
      ...this.code,
      words(
        this.constants.flatMap(({ constant: { kind, bytes, extra }, offset }) => [
          kind,
          offset,
          bytes.length,
          extra,
        ]),
      ),
      words(this.terminals.flatMap(({ action, offset, bytes }) => [action, offset, bytes, 0])),
      ...this.pool,
    ]);
  }
}
