// SPDX-License-Identifier: MPL-2.0
// Lists for generated names, and what a name is on.
import { nameText } from '../../src/plugins/policies/name.js';
import { listNames } from './conditions.js';
import type { Random } from './names.js';

/** Names to lists, as published; a plain suffix walk says what a name is on. */
export class Listed {
  private readonly entries = new Map<string, { exact: Set<string>; subtree: Set<string> }>();

  add(list: string, name: Buffer, scope: 'exact' | 'subtree'): void {
    const key = name.toString('latin1');
    const entry = this.entries.get(key) ?? { exact: new Set(), subtree: new Set() };
    entry[scope].add(list);
    this.entries.set(key, entry);
  }

  of(name: Buffer): string[] {
    const found = new Set(this.entries.get(name.toString('latin1'))?.exact);
    for (let at = 0; ; at += 1 + (name[at] as number)) {
      for (const list of this.entries.get(name.toString('latin1', at))?.subtree ?? []) found.add(list);
      if (name[at] === 0) return [...found].sort();
    }
  }

  on(list: string) {
    return [...this.entries].flatMap(([key, entry]) => {
      const name = nameText(Buffer.from(key, 'latin1')) || '.';
      return (['exact', 'subtree'] as const).flatMap((scope) =>
        entry[scope].has(list) ? [{ name, scope }] : [],
      );
    });
  }
}

/** Lists with some of these names, and with names above them. */
export function listedOf(random: Random, names: readonly Buffer[]): Listed {
  const listed = new Listed();
  for (const name of names) {
    for (const list of listNames) {
      if (random() > 0.25) continue;
      let at = 0;
      while (name[at] !== 0 && random() < 0.3) at += 1 + (name[at] as number);
      // Not what all names are below.
      const top = name[at] === 0 || name[at + 1 + (name[at] as number)] === 0;
      listed.add(list, name.subarray(at), top || random() < 0.5 ? 'exact' : 'subtree');
    }
  }
  return listed;
}
