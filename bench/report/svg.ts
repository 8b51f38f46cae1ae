// SPDX-License-Identifier: MPL-2.0
// SVG as text: elements whose attributes and texts are escaped, and what all charts have in common.

/** Markup that is well-formed; made by `element` alone. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Attributes = Readonly<Record<string, string | number | undefined>>;
export type Child = Markup | string;

/** What XML 1.0 has no place for, not even escaped: control characters and halves of surrogate pairs. */
const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const escaped = (text: string) =>
  text.replace(FORBIDDEN, '?').replace(/[&<>"']/g, (character) => ENTITIES[character] as string);

/** Two decimals are more than anybody sees, and the same on every machine. */
const shown = (value: string | number) =>
  typeof value === 'string' ? value : String(Math.round(value * 100) / 100);

export function element(name: string, attributes: Attributes, ...children: readonly Child[]): Markup {
  const head = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(shown(value as string | number))}"`)
    .join('');
  const inner = children.map((child) => (typeof child === 'string' ? escaped(child) : child.text)).join('');
  return new Markup(inner === '' ? `<${name}${head}/>` : `<${name}${head}>${inner}</${name}>\n`);
}

export const WIDTH = 720;
/** Space around everything. */
export const EDGE = 16;
export const FONT = 12;
export const TITLE_FONT = 15;
/** The charts' own background, wherever they are shown; what is drawn is readable on it. */
const PAPER = '#fcfcfa';
export const INK = '#24292f';
export const FAINT = '#d5d9de';
export const MUTED = '#57606a';
/** Okabe and Ito's, which people with any kind of colour vision tell apart; ours first. */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
export const colour = (i: number): string => COLOURS[i % COLOURS.length] as string;

/** For text over lines of the grid. */
export const HALO = { stroke: PAPER, 'stroke-width': 4, 'paint-order': 'stroke' } as const;

/** No font is at hand to measure with: a generous guess, px. */
export const widthOf = (text: string, size = FONT): number => text.length * size * 0.6;

/** Lines of at most that width; a word that is longer is cut. */
export function wrap(text: string, width: number, size = FONT): string[] {
  const most = Math.max(4, Math.floor(width / (size * 0.6)));
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const cut = word.length > most ? `${word.slice(0, most - 1)}…` : word;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + cut.length <= most)
      lines[lines.length - 1] = `${last} ${cut}`;
    else lines.push(cut);
  }
  return lines;
}

export const label = (x: number, y: number, text: string, more: Attributes = {}): Markup =>
  element('text', { x, y, ...more }, text);

export interface Heading {
  markup: Markup[];
  /** Where what follows begins. */
  bottom: number;
}

export function heading(title: string): Heading {
  const lines = wrap(title, WIDTH - 2 * EDGE, TITLE_FONT);
  const markup = lines.map((line, i) =>
    label(EDGE, EDGE + TITLE_FONT + i * 20, line, { 'font-size': TITLE_FONT, 'font-weight': 600 }),
  );
  return { markup, bottom: EDGE + lines.length * 20 + 8 };
}

export function document(title: string, height: number, content: readonly Markup[]): string {
  const frame = element('rect', {
    ...{ x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 6 },
    ...{ fill: PAPER, stroke: FAINT },
  });
  const svg = element(
    'svg',
    {
      ...{ xmlns: 'http://www.w3.org/2000/svg', width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}` },
      ...{
        role: 'img',
        'font-family': "'DejaVu Sans', Verdana, system-ui, sans-serif",
        'font-size': FONT,
        fill: INK,
      },
    },
    element('title', {}, title),
    frame,
    ...content,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.text}`;
}

/** As people read it on an axis: 1 k, 2.5 M, 0.05. */
export function short(value: number): string {
  const size = Math.abs(value);
  const [by, suffix] =
    size >= 1e9 ? [1e9, ' G'] : size >= 1e6 ? [1e6, ' M'] : size >= 1e3 ? [1e3, ' k'] : [1, ''];
  return `${Number((value / by).toPrecision(3))}${suffix}`;
}
