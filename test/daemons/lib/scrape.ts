// SPDX-License-Identifier: MPL-2.0
// Reading what /metrics serves, by Prometheus' text format; strict, so that a scrape that parses is well formed.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  name: string;
  help: string;
  type: string;
  samples: Sample[];
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPart = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  labelPart.lastIndex = 0;
  while (labelPart.lastIndex < text.length) {
    const match = labelPart.exec(text);
    if (match === null) throw new Error(`no labels: ${text}`);
    labels[match[1] as string] = (match[2] as string).replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function readValue(text: string): number {
  const value = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text);
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`no value: ${text}`);
  return value;
}

/** Families by name; throws on a line that is none, or stands outside of its family. */
export function parseScrape(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let family: Family | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, subject = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (families.has(subject)) throw new Error(`two families ${subject}`);
      family = { name: subject, help: rest, type: '', samples: [] };
      families.set(subject, family);
    } else if (family !== undefined && kind === 'TYPE' && family.name === subject) family.type = rest;
    else {
      const [, name = '', labels = '', value = ''] = sampleLine.exec(line) ?? [];
      const base = family?.type === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name;
      if (family === undefined || base !== family.name) throw new Error(`a line out of place: ${line}`);
      family.samples.push({ name, labels: readLabels(labels), value: readValue(value) });
    }
  }
  return families;
}

/** The value with exactly these labels; undefined when it is left out. */
export function sample(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const all = [...families.values()].flatMap((family) => family.samples);
  const wanted = Object.entries(labels);
  return all.find(
    (each) =>
      each.name === name &&
      Object.keys(each.labels).length === wanted.length &&
      wanted.every(([label, value]) => each.labels[label] === value),
  )?.value;
}
