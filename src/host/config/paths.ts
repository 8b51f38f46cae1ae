// SPDX-License-Identifier: MPL-2.0
// Where something stands in the configuration: the names of the sections and the key, numbers in lists.

export type Path = readonly (string | number)[];
export type Table = Record<string, unknown>;

export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** For maps. */
export const pathId = (path: Path): string => JSON.stringify(path.map(String));

/** As people write it: store.tls.ca, store.endpoints[0]. */
export const dotted = (path: Path): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const shown = /^[\w-]+$/.test(step) ? step : JSON.stringify(step);
    return text === '' ? shown : `${text}.${shown}`;
  }, '');

/** Undefined where nothing stands. */
export function valueAt(root: unknown, path: Path): unknown {
  let here = root;
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

/** Sections on the way are made. @param keep leaves a value that is there. */
export function put(root: Table, path: Path, value: unknown, keep = false): void {
  let here = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(here, step) ? here[step] : undefined;
    if (typeof next !== 'object' || next === null) here[step] = {};
    here = here[step] as Record<string, unknown>;
  }
  const last = path.at(-1);
  if (last === undefined || (keep && Object.hasOwn(here, last))) return;
  here[last] = value;
}
