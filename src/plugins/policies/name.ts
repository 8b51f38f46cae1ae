// SPDX-License-Identifier: MPL-2.0
// R.attr.qname and the wire form of the name it stands for; the same as native/shm/tables/program_text.cc.

const escaped = new Set([...'"$().;@\\'].map((c) => c.charCodeAt(0)));
const maxName = 255;

/** @param wire lower case, with its root label */
export function nameText(wire: Uint8Array): string {
  const labels: string[] = [];
  for (let at = 0; at < wire.length && wire[at] !== 0; at += 1 + (wire[at] as number)) {
    let label = '';
    for (const byte of wire.subarray(at + 1, at + 1 + (wire[at] as number))) {
      if (byte < 0x21 || byte > 0x7e) label += `\\${String(byte).padStart(3, '0')}`;
      else label += `${escaped.has(byte) ? '\\' : ''}${String.fromCharCode(byte)}`;
    }
    labels.push(label);
  }
  return labels.join('.');
}

/** The lower-case wire form of the name that has exactly this text; undefined when no name has. */
export function nameWire(text: string): Buffer | undefined {
  const labels: number[][] = text === '' ? [] : [[]];
  for (let i = 0; i < text.length; i++) {
    const decimal = /^\\(\d{3})/.exec(text.slice(i, i + 4))?.[1];
    if (text[i] === '.') {
      labels.push([]);
      continue;
    }
    if (decimal !== undefined) {
      if (Number(decimal) > 255) return undefined;
      labels.at(-1)?.push(Number(decimal));
      i += 3;
      continue;
    }
    if (text[i] === '\\') i++;
    const code = text.charCodeAt(i);
    if (Number.isNaN(code) || code > 0x7e) return undefined;
    labels.at(-1)?.push(code);
  }
  if (labels.some((label) => label.length === 0 || label.length > 63)) return undefined;
  const wire = Buffer.from([...labels.flatMap((label) => [label.length, ...label]), 0]);
  return wire.length > maxName || /[A-Z]/.test(text) || nameText(wire) !== text ? undefined : wire;
}

/** Labels without the root's. */
export function labelCount(wire: Uint8Array): number {
  let count = 0;
  for (let at = 0; wire[at] !== 0; at += 1 + (wire[at] as number)) count++;
  return count;
}
