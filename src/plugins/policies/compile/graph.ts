// SPDX-License-Identifier: MPL-2.0
// A decision graph: tests that lead to tests and at last to an end, made from the ends backwards. Equal nodes are one
// node, a test that leads to one place is none.
import { type Constant, constantKey } from './constants.js';
import { Refused } from './refused.js';

export interface Test {
  op: number;
  arg: number;
  /** A number, for a type or a list. */
  operand: Constant | number;
}

export type Node =
  | { kind: 'end'; end: string }
  | { kind: 'test'; test: Test; onTrue: number; onFalse: number };

const mostNodes = 50_000;

export class Graph {
  readonly nodes: Node[] = [];
  private readonly known = new Map<string, number>();

  private node(key: string, node: Node): number {
    let id = this.known.get(key);
    if (id === undefined) {
      if (this.nodes.length >= mostNodes) throw new Refused('or', 'the conditions together are too large');
      id = this.nodes.push(node) - 1;
      this.known.set(key, id);
    }
    return id;
  }

  /** Ends are told apart by their text. */
  end(end: string): number {
    return this.node(`end ${end}`, { kind: 'end', end });
  }

  test(test: Test, onTrue: number, onFalse: number): number {
    if (onTrue === onFalse) return onTrue;
    const operand = typeof test.operand === 'number' ? test.operand : constantKey(test.operand);
    const key = `${test.op} ${test.arg} ${onTrue} ${onFalse} ${operand}`;
    return this.node(key, { kind: 'test', test, onTrue, onFalse });
  }

  /** Nodes reached from `root`, each before those it leads to. */
  order(root: number): number[] {
    const done = new Set<number>();
    const out: number[] = [];
    // Depth first, without recursion: a chain may be long.
    const open: [number, boolean][] = [[root, false]];
    for (let top = open.pop(); top; top = open.pop()) {
      const [id, left] = top;
      if (left) {
        out.push(id);
        continue;
      }
      if (done.has(id)) continue;
      done.add(id);
      open.push([id, true]);
      const node = this.nodes[id] as Node;
      if (node.kind === 'test') open.push([node.onFalse, false], [node.onTrue, false]);
    }
    return out.reverse();
  }
}
