// SPDX-License-Identifier: MPL-2.0
// A figure and the other way of doing it, in one unit.
import type { FigureResults } from './schema.js';

export interface Compared {
  unit: string;
  /** Null: absent. */
  ours: number | null;
  name: string;
  theirs: number | null;
}

/** Undefined: there is nothing to compare the figure with, nor has to be. */
export function comparison(figure: FigureResults): Compared | undefined {
  const { alternative, value, unit } = figure;
  if (alternative !== null) {
    const { as } = alternative;
    return {
      unit: as?.unit ?? unit,
      ours: as?.ours ?? value,
      name: alternative.name,
      theirs: alternative.value,
    };
  }
  return figure.compared ? { unit, ours: value, name: 'alternative', theirs: null } : undefined;
}

/** Ours / theirs. */
export function ratio({ ours, theirs }: Compared): number | undefined {
  if (ours === null || theirs === null) return undefined;
  const found = ours / theirs;
  return Number.isFinite(found) ? found : undefined;
}
