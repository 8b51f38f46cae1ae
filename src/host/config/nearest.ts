// SPDX-License-Identifier: MPL-2.0
import { closest, distance } from 'fastest-levenshtein';

/** What was probably meant, if anything is near enough: a third of the letters differ at most, or two. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  // The comparison takes time by the product of the lengths.
  const found = closest(name.slice(0, 100), known);
  return distance(name.slice(0, 100), found) <= Math.max(2, name.length / 3) ? found : undefined;
}

/** A sentence for a name that is not known. @param known all that could stand there. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `did you mean ${near}?`;
  return known.length > 0 ? `known here: ${known.join(', ')}` : 'none is known here';
}
