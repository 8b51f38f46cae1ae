// SPDX-License-Identifier: MPL-2.0
// A pattern as a machine: the text matches when any part of it does, as RE2's partial match. The pattern becomes a
// non-deterministic automaton; a state of the machine is the set of places in it where a match may stand.
import { interned, type Machine, type State } from './machine.js';
import { Refused } from './refused.js';
import { parseRegex, type Regex } from './regex.js';
import type { Bytes } from './regex-sets.js';

type Place = 'begin' | 'end' | 'boundary' | 'inside';
type Node =
  | { kind: 'bytes'; bytes: Bytes; to: number }
  | { kind: 'at'; place: Place; to: number }
  | { kind: 'split'; to: number[] }
  | { kind: 'match' };

/** Places in one automaton: parts that are repeated by number are there that many times. */
const mostNodes = 20_000;

class Automaton {
  readonly nodes: Node[] = [{ kind: 'match' }];
  readonly start: number;
  constructor(regex: Regex) {
    this.start = this.add(regex, 0);
  }

  private node(node: Node): number {
    if (this.nodes.length >= mostNodes) throw new Refused('matches', 'a pattern is too large');
    return this.nodes.push(node) - 1;
  }

  /** The place where `regex` begins, when what follows it begins at `to`. */
  private add(regex: Regex, to: number): number {
    switch (regex.kind) {
      case 'empty':
        return to;
      case 'bytes':
        return this.node({ kind: 'bytes', bytes: regex.bytes, to });
      case 'at':
        return this.node({ kind: 'at', place: regex.place, to });
      case 'concat':
        return regex.parts.reduceRight((next, part) => this.add(part, next), to);
      case 'either':
        return this.node({ kind: 'split', to: regex.parts.map((part) => this.add(part, to)) });
      case 'repeat':
        return this.repeat(regex.of, regex.least, regex.most, to);
    }
  }

  private repeat(of: Regex, least: number, most: number | undefined, to: number): number {
    let at = to;
    if (most === undefined) {
      const loop: Node = { kind: 'split', to: [to] };
      at = this.node(loop);
      loop.to.push(this.add(of, at));
    } else {
      for (let i = least; i < most; i++) at = this.node({ kind: 'split', to: [to, this.add(of, at)] });
    }
    for (let i = 0; i < least; i++) at = this.add(of, at);
    return at;
  }
}

type Side = 'edge' | 'word' | 'other';
const sides = Array.from(
  { length: 256 },
  (_, byte): Side => (byte < 128 && /\w/.test(String.fromCharCode(byte)) ? 'word' : 'other'),
);

function holds(place: Place, before: Side, behind: Side): boolean {
  if (place === 'begin') return before === 'edge';
  if (place === 'end') return behind === 'edge';
  const boundary = (before === 'word') !== (behind === 'word');
  return boundary === (place === 'boundary');
}

const matched = 'matched';

/** @throws Refused as parseRegex */
export function matches(pattern: string): Machine {
  const { nodes, start } = new Automaton(parseRegex(pattern));
  const places = nodes.flatMap((node) => (node.kind === 'at' ? [node.place] : []));
  const minds = places.some((place) => place === 'boundary' || place === 'inside');

  /** Every place reached without reading; undefined when the match is one of them. */
  const closure = (from: readonly number[], before: Side, behind: Side): number[] | undefined => {
    const seen = new Set<number>();
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const node = nodes[at] as Node;
      if (node.kind === 'match') return undefined;
      if (node.kind === 'split') open.push(...node.to);
      if (node.kind === 'at' && holds(node.place, before, behind)) open.push(node.to);
    }
    return [...seen];
  };
  const states = interned<{ before: Side; at: number[] }>(({ before, at }) => `${before}:${at.join(' ')}`);
  const state = (before: Side, at: readonly number[]): State =>
    states.id({ before, at: [...new Set(at)].sort((a, b) => a - b) });

  return {
    start: state('edge', [start]),
    step(from, byte) {
      if (from === matched) return from;
      const { before, at } = states.of(from);
      const side = sides[byte] as Side;
      const reached = closure(at, before, side);
      if (!reached) return matched;
      // A match may begin anywhere.
      const to = [start];
      for (const place of reached) {
        const node = nodes[place] as Node;
        if (node.kind === 'bytes' && node.bytes.has(byte)) to.push(node.to);
      }
      return state(minds ? side : 'other', to);
    },
    end(from) {
      if (from === matched) return 1;
      const { before, at } = states.of(from);
      return closure(at, before, 'edge') ? 0 : 1;
    },
  };
}
