// SPDX-License-Identifier: MPL-2.0
// RE2 patterns, as Go's regexp package reads them (CEL's `matches`), for texts of ASCII without control characters: a
// pattern's other characters match nothing, and whether a match is greedy, or `.` meets newlines, makes no difference.
import { Refused } from './refused.js';
import { ascii, type Bytes, controls, folded, not, perl, posix, range, where } from './regex-sets.js';

export type Regex =
  | { kind: 'empty' }
  | { kind: 'bytes'; bytes: Bytes }
  | { kind: 'at'; place: 'begin' | 'end' | 'boundary' | 'inside' }
  | { kind: 'concat' | 'either'; parts: Regex[] }
  /** most: undefined is without end; counted: written with braces */
  | { kind: 'repeat'; of: Regex; least: number; most: number | undefined; counted: boolean };

/** @throws Refused for what Go's regexp refuses, and for patterns that repeat a part more than 1,000 times. */
export function parseRegex(pattern: string): Regex {
  const parsed = new Parser(pattern).whole();
  if (!repeatsAtMost(parsed, 1000))
    throw new Refused('matches', 'a pattern repeats a part more than 1,000 times');
  return parsed;
}

/** Go counts repetitions inside of repetitions together. */
function repeatsAtMost(regex: Regex, times: number): boolean {
  switch (regex.kind) {
    case 'concat':
    case 'either':
      return regex.parts.every((part) => repeatsAtMost(part, times));
    case 'repeat': {
      const most = regex.counted ? (regex.most ?? regex.least) : 0;
      if (most > times) return false;
      return repeatsAtMost(regex.of, most > 0 ? Math.floor(times / most) : times);
    }
    default:
      return true;
  }
}

class Parser {
  private at = 0;
  private readonly points: string[];
  private fold = false;
  private depth = 0;
  private readonly groups = new Set<string>();

  constructor(private readonly pattern: string) {
    this.points = [...pattern];
  }

  whole(): Regex {
    const parsed = this.either();
    if (this.at < this.points.length) throw this.wrong('an unexpected )');
    return parsed;
  }

  private wrong(what: string): Refused {
    return new Refused('matches', `the pattern ${JSON.stringify(this.pattern)} has ${what}`);
  }
  private peek(text: string): boolean {
    return [...text].every((each, i) => this.points[this.at + i] === each);
  }
  private take(text: string): boolean {
    const there = this.peek(text);
    if (there) this.at += [...text].length;
    return there;
  }
  private next(): string {
    const point = this.points[this.at++];
    if (point === undefined) throw this.wrong('no end');
    return point;
  }
  private bytes(of: Iterable<number>): Regex {
    const bytes = this.fold ? folded(of) : new Set([...of].filter((b) => b < 128));
    return { kind: 'bytes', bytes };
  }

  private either(): Regex {
    // Flags set inside a group end with it.
    const fold = this.fold;
    const parts = [this.concat()];
    while (this.take('|')) parts.push(this.concat());
    this.fold = fold;
    return parts.length === 1 ? (parts[0] as Regex) : { kind: 'either', parts };
  }

  private concat(): Regex {
    const parts: Regex[] = [];
    while (this.at < this.points.length && !this.peek('|') && !this.peek(')')) {
      if (this.take('\\Q')) {
        while (this.at < this.points.length && !this.take('\\E')) {
          parts.push(this.bytes([this.next().codePointAt(0) as number]));
        }
        continue;
      }
      const one = this.atom();
      if (one) parts.push(this.repeated(one));
    }
    return { kind: 'concat', parts };
  }

  private repeated(one: Regex): Regex {
    const counts = this.counts();
    if (!counts) return one;
    this.take('?');
    const [least, most, counted] = counts;
    if (this.counts()) throw this.wrong('one repetition right behind another');
    return { kind: 'repeat', of: one, least, most, counted };
  }

  private counts(): [number, number | undefined, boolean] | undefined {
    if (this.take('*')) return [0, undefined, false];
    if (this.take('+')) return [1, undefined, false];
    if (this.take('?')) return [0, 1, false];
    const braces = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(this.points.slice(this.at, this.at + 24).join(''));
    if (!braces) return undefined;
    this.at += braces[0].length;
    const least = Number(braces[1]);
    const most = braces[2] === undefined ? least : braces[3] === '' ? undefined : Number(braces[3]);
    if (least > 1000 || (most ?? 0) > 1000 || (most !== undefined && most < least)) {
      throw this.wrong(`an invalid repeat count, ${braces[0]}`);
    }
    return [least, most, true];
  }

  /** Undefined for a group that only sets flags. */
  private atom(): Regex | undefined {
    const point = this.next();
    switch (point) {
      case '(':
        return this.group();
      case '[':
        return { kind: 'bytes', bytes: this.bracket() };
      case '.':
        return { kind: 'bytes', bytes: new Set(ascii) };
      case '^':
        return { kind: 'at', place: 'begin' };
      case '$':
        return { kind: 'at', place: 'end' };
      case '*':
      case '+':
      case '?':
        throw this.wrong(`nothing for ${point} to repeat`);
      case '\\':
        return this.escape();
      case '{':
        this.at--;
        if (this.counts()) throw this.wrong('nothing for { to repeat');
        this.at++;
        return this.bytes([0x7b]);
      default:
        return this.bytes([point.codePointAt(0) as number]);
    }
  }

  private group(): Regex | undefined {
    const fold = this.fold;
    if (++this.depth > 200) throw this.wrong('too many groups inside of each other');
    if (this.take('?P<') || this.take('?<')) {
      const name = this.points.slice(this.at).join('').split('>')[0] ?? '';
      if (!/^\w+$/.test(name) || this.points[this.at + name.length] !== '>') {
        throw this.wrong('a group whose name is not valid');
      }
      if (this.groups.has(name)) throw this.wrong(`two groups of the name ${name}`);
      this.groups.add(name);
      this.at += name.length + 1;
    } else if (this.take('?')) {
      const flags = /^([imsU]*)(-[imsU]+)?([:)])/.exec(this.points.slice(this.at, this.at + 16).join(''));
      if (!flags) throw this.wrong('an invalid group');
      this.at += flags[0].length;
      if (flags[1]?.includes('i')) this.fold = true;
      if (flags[2]?.includes('i')) this.fold = false;
      if (flags[3] === ')') {
        this.depth--;
        return undefined;
      }
    }
    const inner = this.either();
    if (!this.take(')')) throw this.wrong('a group without )');
    this.depth--;
    this.fold = fold;
    return inner;
  }

  private escape(): Regex {
    const place = { A: 'begin', z: 'end', b: 'boundary', B: 'inside' } as const;
    const point = this.points[this.at] as keyof typeof place;
    if (place[point]) {
      this.at++;
      return { kind: 'at', place: place[point] };
    }
    const set = this.named();
    return set ? { kind: 'bytes', bytes: set } : this.bytes([this.escaped()]);
  }

  /** \d, \pL and the like, behind the backslash. */
  private named(): Bytes | undefined {
    const point = this.points[this.at] ?? '';
    const lower = point.toLowerCase();
    const known = perl[lower];
    if (known) {
      this.at++;
      const set = this.fold ? folded(known) : known;
      return point === lower ? set : not(set);
    }
    if (lower !== 'p') return undefined;
    this.at++;
    const single = this.next();
    let name = single;
    if (single === '{') {
      name = this.points.slice(this.at).join('').split('}')[0] ?? '';
      this.at += [...name].length;
      if (!this.take('}')) throw this.wrong('an invalid character class');
    }
    const negated = (point === 'P') !== name.startsWith('^');
    const set = this.unicode(name.replace(/^\^/, ''));
    return negated ? not(set) : set;
  }

  private unicode(name: string): Bytes {
    if (name === 'Any') return new Set(ascii);
    const category = /^(L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfos]?)$/.test(name);
    const script = /^(Latin|Common|Greek|Cyrillic|Han|Hebrew|Arabic|Hiragana|Katakana)$/.test(name);
    if (!category && !script) throw this.wrong(`a character class that is not known here, \\p{${name}}`);
    const test = new RegExp(`^\\p{${category ? name : `Script=${name}`}}$`, 'u');
    const set = where((b) => test.test(String.fromCharCode(b)));
    return this.fold ? folded(set) : set;
  }

  /** The code point of an escape that is one character. */
  private escaped(): number {
    const point = this.next();
    const rest = () => this.points.slice(this.at, this.at + 12).join('');
    if (/[0-7]/.test(point)) {
      const more = /^[0-7]{1,2}/.exec(rest())?.[0] ?? '';
      if (point !== '0' && more === '') throw this.wrong('a reference back, which RE2 does not have');
      this.at += more.length;
      return Number.parseInt(point + more, 8);
    }
    if (point === 'x') {
      const hex = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest());
      const code = Number.parseInt(hex?.[1] ?? hex?.[2] ?? '', 16);
      if (!hex || code > 0x10ffff) throw this.wrong('an invalid escape, \\x');
      this.at += hex[0].length;
      return code;
    }
    const control = controls[point];
    if (control !== undefined) return control;
    const code = point.codePointAt(0) as number;
    if (code < 128 && !/[0-9A-Za-z]/.test(point)) return code;
    throw this.wrong(`an invalid escape, \\${point}`);
  }

  private bracket(): Bytes {
    const negated = this.take('^');
    const all = new Set<number>();
    // A fold of what lies outside of ASCII can lie inside: the code points are kept until the end.
    const points = new Set<number>();
    for (let first = true; first || !this.peek(']'); first = false) {
      const set = this.classInside();
      if (set) {
        for (const b of set) all.add(b);
        continue;
      }
      const from = this.classPoint();
      let to = from;
      if (this.peek('-') && this.points[this.at + 1] !== ']') {
        this.at++;
        to = this.classPoint();
      }
      if (to < from) throw this.wrong('an invalid character class range');
      for (const b of range(from, Math.min(to, 127))) points.add(b);
      for (const special of [0x17f, 0x212a]) if (special >= from && special <= to) points.add(special);
    }
    this.at++;
    for (const b of this.fold ? folded(points) : points) if (b < 128) all.add(b);
    return negated ? not(all) : all;
  }

  private classInside(): Bytes | undefined {
    const name = /^\[:(\^?)(.*?):\]/.exec(this.points.slice(this.at, this.at + 16).join(''));
    if (name) {
      const test = posix[name[2] ?? ''];
      if (!test) throw this.wrong(`an unknown character class, ${name[0]}`);
      this.at += name[0].length;
      const set = where((b) => test.test(String.fromCharCode(b)));
      const both = this.fold ? folded(set) : set;
      return name[1] === '^' ? not(both) : both;
    }
    if (!this.peek('\\')) return undefined;
    this.at++;
    const set = this.named();
    if (!set) this.at--;
    return set;
  }

  private classPoint(): number {
    const point = this.points[this.at];
    if (point === undefined) throw this.wrong('a character class without ]');
    this.at++;
    return point === '\\' ? this.escaped() : (point.codePointAt(0) as number);
  }
}
