// SPDX-License-Identifier: MPL-2.0
// CEL as a row of tokens: enough to see what an expression reads, without parsing it.

export interface Token {
  kind: 'name' | 'text' | 'bytes' | 'number' | 'sign';
  /** Of a text its content, as far as it is told without escapes. */
  text: string;
}

const whitespace = /\s+|\/\/[^\n]*/y;
const quoted = /([rRbB]{0,2})("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/y;
const raw = /([bB]?[rR][bB]?)("[^"\n]*"|'[^'\n]*')/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /0x[0-9a-fA-F]+u?|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?u?|\.\d+/y;
const sign = /&&|\|\||[=!<>]=|[^\s]/y;

/** What cannot be read comes as signs: Cerbos has the last word on syntax. */
export function tokens(cel: string): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < cel.length; ) {
    const take = (pattern: RegExp): RegExpExecArray | null => {
      pattern.lastIndex = at;
      const match = pattern.exec(cel);
      if (match) at = pattern.lastIndex;
      return match;
    };
    if (take(whitespace)) continue;
    const string = take(raw) ?? take(quoted);
    if (string) {
      const kind = /[bB]/.test(string[1] ?? '') ? 'bytes' : 'text';
      found.push({ kind, text: content(string[2] ?? '') });
      continue;
    }
    const name = take(word);
    if (name) found.push({ kind: 'name', text: name[0] });
    else {
      const digits = take(number);
      if (digits) found.push({ kind: 'number', text: digits[0] });
      else found.push({ kind: 'sign', text: take(sign)?.[0] ?? cel.slice(at++, at) });
    }
  }
  return found;
}

const content = (text: string): string => (/^("""|''')/.test(text) ? text.slice(3, -3) : text.slice(1, -1));

/** A name with what is selected of it: `R.attr.qname`, `R.attr["qname"]`. */
export interface Chain {
  parts: string[];
  /** Index of the token behind it. */
  end: number;
}

/** Begins at a name that is itself not selected of something. */
export function chainAt(all: readonly Token[], at: number): Chain | undefined {
  const first = all[at];
  if (first?.kind !== 'name' || all[at - 1]?.text === '.') return undefined;
  const parts = [first.text];
  let end = at + 1;
  for (;;) {
    const [a, b, c] = [all[end], all[end + 1], all[end + 2]];
    if (a?.text === '.' && a.kind === 'sign' && b?.kind === 'name') {
      parts.push(b.text);
      end += 2;
    } else if (a?.text === '[' && b?.kind === 'text' && c?.text === ']') {
      parts.push(b.text);
      end += 3;
    } else return { parts, end };
  }
}
