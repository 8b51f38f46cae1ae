// SPDX-License-Identifier: MPL-2.0
// Conditions in CEL, drawn from every operator and function that Cerbos documents for conditions and that its planner's
// tests use (docs/modules/policies/pages/conditions.adoc, internal/ruletable/planner). Each says what it is made of,
// so that the share that compiles can be told by operator.
import { below, pick, type Random } from './names.js';

export interface Condition {
  cel: string;
  operators: string[];
  /** Texts that names should be made of, to make it true now and then. */
  hints: string[];
}

export const listNames = ['ads', 'malware', 'social', 'trusted', 'zz-top'];

const whole = [
  'www.example',
  'ads.test',
  'mail.vendor.example',
  'a',
  '',
  'xn--bcher-kva.com',
  'www.a\\\\.b',
  '_dmarc.example',
];
const suffixes = [
  '.example',
  '.vendor.example',
  '.ads.test',
  'ample',
  '.com',
  '',
  'r.example',
  '.co.uk',
  '.x\\\\.y',
  'test',
];
const prefixes = ['www.', 'ads', 'a', 'xn--', '_', '', 'mail.v', '*', '10'];
const parts = ['ads', '.', 'ex', '--', 'r.e', 'www.', '0', 'q', 'vendor', '\\\\'];
const types = ['A', 'AAAA', 'HTTPS', 'TXT', 'ANY', 'TYPE300', 'TYPE1', 'a', 'PTR'];
const cidrs = [
  '192.0.2.0/24',
  '10.0.0.0/8',
  '0.0.0.0/0',
  '172.16.0.0/12',
  '192.0.2.77/32',
  '2001:db8::/32',
  'fd00::/8',
  '::/0',
  '::ffff:10.0.0.0/104',
  '2001:db8:0:1::/64',
];
const patterns = [
  '^www\\\\.',
  '(^|\\\\.)ads?[0-9]*\\\\.',
  'example$',
  '[0-9]{1,3}',
  '^[a-z]+\\\\.example$',
  '(?i)WWW|MAIL',
  '\\\\bads\\\\b',
  '\\\\Bd',
  'x*',
  '^$',
  'a{2,}',
  '(www|mail)\\\\.(vendor|example)',
  '[^a-z.]',
  '\\\\d',
  '^\\\\w+$',
  '\\\\pN',
  '[[:alpha:]]{5}',
  '(?:ex)+ample',
  '^.{3}\\\\.',
  '\\\\x61ds',
  '[\\\\-_]',
  '(?P<top>com|org)$',
  '\\\\Qa.b\\\\E',
  '(?i)[K]',
  '(?-i:A)',
  '^(a|b\\\\.)*$',
  '..-..',
  '[\\\\]a]',
  '\\\\S{63}',
  '(x+x+)+y',
];
const quoted = (texts: readonly string[]): string => `[${texts.map((text) => `"${text}"`).join(', ')}]`;

/** A condition of one operator, with texts that names should be made of. */
export type Template = (random: Random) => [cel: string, hints?: string[]];
const some = (random: Random, from: readonly string[]): string[] =>
  Array.from({ length: 1 + below(random, 4) }, () => pick(random, from));
const q = 'R.attr.qname';
const compared = ['<', '<=', '>', '>=', '==', '!='];

/** By what they show. */
export const templates: Record<string, Template[]> = {
  eq: [
    (r) => one(r, whole, (t) => `${q} == "${t}"`),
    (r) => one(r, whole, (t) => `"${t}" == request.resource.attr.qname`),
    (r) => [`R.attr["qtype"] == "${pick(r, types)}"`],
    (r) => [`R.attr.client == "${pick(r, ['192.0.2.1', '2001:db8::1', '2001:DB8::1', '10.0.0.1', 'x'])}"`],
    () => [`${q} == null`],
    (r) => [`${q} == ${pick(r, ['5', 'true', '["a"]', '1.5'])}`],
  ],
  ne: [(r) => one(r, whole, (t) => `${q} != "${t}"`), (r) => [`R.attr.qtype != "${pick(r, types)}"`]],
  in: [
    (r) => many(r, whole, (t) => `${q} in ${quoted(t)}`),
    (r) => [`R.attr.qtype in ${quoted(some(r, types))}`],
    (r) => [`!(R.attr.client in ${quoted(some(r, ['192.0.2.1', '::1', '10.0.0.1']))})`],
    (r) => [`"${pick(r, [...listNames, 'nosuch'])}" in R.attr.lists`],
    (r) => [`${q} in {"www.example": 1, "${pick(r, whole)}": 2}`, ['www.example']],
    () => [`${q} in R.attr.lists`, listNames],
  ],
  startsWith: [
    (r) => one(r, prefixes, (t) => `${q}.startsWith("${t}")`),
    (r) => [`R.attr.client.startsWith("${pick(r, ['10.', '192.0.2', '2001:', 'f'])}")`],
  ],
  endsWith: [
    (r) => one(r, suffixes, (t) => `${q}.endsWith("${t}")`),
    (r) => [`R.attr.qtype.endsWith("${pick(r, ['A', '00', 'S', '1'])}")`],
  ],
  contains: [
    (r) => one(r, parts, (t) => `${q}.contains("${t}")`),
    (r) => [`R.attr.qtype.contains("${pick(r, ['A', 'TYPE', '3'])}")`],
    (r) => one(r, whole, (t) => `"www.example.${t}".contains(${q})`),
  ],
  matches: [
    (r) => one(r, patterns, (t) => `${q}.matches("${t}")`),
    (r) => one(r, patterns, (t) => `${q}.matches("${t}")`),
    (r) => [`R.attr.qtype.matches("${pick(r, ['^A+$', '^TYPE[0-9]{2}$', 'S'])}")`],
    () => [`R.attr.client.matches("^10\\\\.(0|255)\\\\.")`],
  ],
  order: [
    (r) => one(r, whole, (t) => `${q} ${pick(r, compared.slice(0, 4))} "${t}"`),
    (r) => [`"${pick(r, whole)}" ${pick(r, compared.slice(0, 4))} ${q}`],
  ],
  size: [
    (r) => [`${q}.size() ${pick(r, compared)} ${below(r, 30)}`],
    (r) => [`size(${q}) ${pick(r, compared.slice(0, 4))} ${below(r, 20)}.5`],
    (r) => [`size(R.attr.qtype) ${pick(r, compared)} ${below(r, 5)}`],
    (r) => [`R.attr.lists.size() ${pick(r, compared)} ${below(r, 4)}`],
  ],
  'add, sub, mult, div, mod': [
    (r) => [`${q}.size() ${pick(r, ['+', '-', '*'])} ${below(r, 9)} ${pick(r, compared)} ${below(r, 40)}`],
    (r) => [`size(${q}) ${pick(r, ['/', '%'])} ${below(r, 4)} == ${below(r, 3)}`],
    (r) => one(r, whole, (t) => `${q} + ".x" == "${t}.x"`),
    (r) => [`-size(${q}) < -${below(r, 20)}`],
  ],
  indexOf: [
    (r) => [`${q}.indexOf("${pick(r, parts)}") ${pick(r, compared)} ${below(r, 6) - 1}`],
    (r) => [`${q}.indexOf("${pick(r, ['.', 'a'])}", 2) > 3`],
  ],
  lastIndexOf: [(r) => [`${q}.lastIndexOf("${pick(r, parts)}") ${pick(r, compared)} ${below(r, 6) - 1}`]],
  charAt: [
    (r) => [`${q}.charAt(${below(r, 9)}) == "${pick(r, ['a', 'w', '.', ''])}"`],
    (r) => [`${q}.charAt(${below(r, 9)}) in ["a", "0", "-"]`],
  ],
  substring: [
    (r) => [`${q}.substring(${below(r, 6)}).startsWith("${pick(r, parts)}")`],
    (r) => [
      `${q}.substring(${below(r, 4)}, ${3 + below(r, 5)}) == "${pick(r, ['www', 'ads', 'ww.', 'il.v'])}"`,
      ['www.example', 'ads.test'],
    ],
  ],
  split: [
    (r) => [
      `${q}.split(".")[${below(r, 3)}] == "${pick(r, ['www', 'ads', 'example', ''])}"`,
      ['www.example', 'a.ads.test'],
    ],
    (r) => [`size(${q}.split(".")) ${pick(r, compared)} ${1 + below(r, 4)}`],
    (r) => [
      `${q}.split(".", 2)[1] == "${pick(r, ['vendor.example', 'example', 'test'])}"`,
      ['mail.vendor.example'],
    ],
    (r) => [
      `${q}.split(".").exists(l, l.startsWith("${pick(r, ['xn--', 'a', '_', '0'])}"))`,
      ['xn--bcher-kva.com'],
    ],
    (r) => [`${q}.split(".").all(l, size(l) < ${2 + below(r, 9)})`],
    (r) => [`${q}.split(".").exists_one(l, l.contains("${pick(r, ['a', 'e', 'w'])}"))`],
    (r) => [`"${pick(r, ['ads', 'www', 'example'])}" in ${q}.split(".")`, ['ads.test', 'www.example']],
    (r) => [
      `hasIntersection(${q}.split("."), ${quoted(some(r, ['ads', 'tracker', 'cdn']))})`,
      ['ads.test', 'cdn.com'],
    ],
    () => [`${q}.split(".") == ["www", "example"]`, ['www.example']],
  ],
  'lowerAscii, upperAscii': [
    (r) => one(r, whole, (t) => `${q}.upperAscii() == "${t.toUpperCase()}"`),
    (r) => one(r, whole, (t) => `${q}.lowerAscii() == "${t}"`),
    (r) => [`R.attr.qtype.lowerAscii() == "${pick(r, ['a', 'aaaa', 'A'])}"`],
  ],
  replace: [
    (r) =>
      one(r, ['www-example', 'ads-test', 'x'], (t) => `${q}.replace(".", "-") == "${t}"`, [
        'www.example',
        'ads.test',
      ]),
    (r) => [
      `${q}.replace("w", "", ${below(r, 3)}).startsWith("${pick(r, ['w', 'ww', '.'])}")`,
      ['www.example'],
    ],
    (r) => [`${q}.replace("${pick(r, ['ex', 'aa', 'w.'])}", "y").contains("y")`, ['www.example']],
  ],
  'trim, reverse, format, join': [
    () => [`${q}.trim() == "www.example"`, ['www.example']],
    () => [`${q}.reverse().startsWith("elp")`, ['www.example']],
    () => [`"%s!".format([${q}]) == "ads.test!"`, ['ads.test']],
    () => [`${q}.split(".").join("-") == "www-example"`, ['www.example']],
  ],
  if: [
    (r) =>
      one(
        r,
        parts,
        (t) => `R.attr.qtype == "A" ? ${q}.contains("${t}") : ${q}.endsWith("${pick(r, suffixes)}")`,
      ),
    (r) => [`(${q}.startsWith("a") ? size(R.attr.lists) : 1) ${pick(r, compared)} 1`],
    (r) => [`${q}.charAt(${below(r, 20)}) == "a" ? true : R.attr.qtype == "A"`],
  ],
  inIPAddrRange: [
    (r) => [`R.attr.client.inIPAddrRange("${pick(r, cidrs)}")`],
    (r) => [`!R.attr.client.inIPAddrRange("${pick(r, cidrs)}")`],
  ],
  'hasIntersection, isSubset': [
    (r) => [`hasIntersection(R.attr.lists, ${quoted(some(r, [...listNames, 'other']))})`],
    (r) => [`R.attr.lists.hasIntersection(${quoted(some(r, listNames))})`],
    (r) => [`isSubset(${quoted(some(r, [...listNames, 'other']))}, R.attr.lists)`],
    (r) => [`R.attr.lists.isSubset(${quoted(some(r, listNames))})`],
  ],
  'intersect, except': [
    (r) => [`intersect(R.attr.lists, ${quoted([...new Set(some(r, listNames))])}) == []`],
    (r) => [`size(except(R.attr.lists, ${quoted(some(r, listNames))})) ${pick(r, compared)} ${below(r, 3)}`],
    (r) => [`R.attr.lists.except(${quoted(some(r, listNames))}) == []`],
    (r) => [`"ads" in intersect(R.attr.lists, ${quoted([...new Set(some(r, listNames))])})`],
  ],
  'exists, all, exists_one': [
    (r) => many(r, suffixes, (t) => `${quoted(t)}.exists(s, ${q}.endsWith(s))`),
    (r) => many(r, parts, (t) => `${quoted(t)}.all(s, ${q}.contains(s))`),
    (r) => many(r, parts, (t) => `${quoted(t)}.exists_one(s, ${q}.contains(s))`),
    (r) => [`R.attr.lists.exists(l, l.startsWith("${pick(r, ['a', 'm', 's'])}"))`],
    (r) => [`R.attr.lists.all(l, l != "${pick(r, listNames)}")`],
    (r) => [`R.attr.lists.exists_one(l, l.contains("${pick(r, ['a', 's', 'x'])}"))`],
    () => [`R.attr.lists.exists(l, ${q}.contains(l))`, listNames],
    (r) => [`${quoted(some(r, ['ads', 'trusted', 'x']))}.exists(s, s in R.attr.lists)`],
    () => [`["a", "b"].exists(i, v, ${q}.startsWith(v))`],
    () => [`{"www": "A", "mail": "MX"}.exists(k, ${q}.startsWith(k))`, ['www.example']],
  ],
  'filter, map': [
    (r) => [
      `size(R.attr.lists.filter(l, l.startsWith("${pick(r, ['a', 't', 'm'])}"))) ${pick(r, compared)} 1`,
    ],
    () => [`"ADS" in R.attr.lists.map(l, l.upperAscii())`],
    (r) =>
      many(r, ['ads', 'mail', 'cdn'], (t) => `${q} in ${quoted(t)}.map(s, s + ".test")`, [
        'ads.test',
        'mail.test',
      ]),
    () => [`R.attr.lists.filter(l, ${q}.contains(l)).size() > 0`, listNames],
  ],
  index: [
    (r) => [`R.attr.lists[${below(r, 2)}] == "${pick(r, listNames)}"`],
    (r) => [`R.attr.lists[${below(r, 3)}].startsWith("${pick(r, ['a', 'm', 's', 't'])}")`],
    (r) => [`{"A": "x", "AAAA": "y"}[R.attr.qtype] == "${pick(r, ['x', 'y'])}"`],
  ],
  'list equality, concatenation': [
    (r) => [`R.attr.lists == ${quoted([...new Set(some(r, listNames))])}`],
    () => [`R.attr.lists == []`],
    (r) => [`"${pick(r, ['ads', 'own'])}" in (R.attr.lists + ["own"])`],
  ],
  'distinct, sort, slice, flatten, transformList': [
    () => [`size(R.attr.lists.distinct()) > 1`],
    () => [`R.attr.lists.sort()[0] == "ads"`],
    () => [`R.attr.lists.slice(0, 1) == ["ads"]`],
    () => [`R.attr.lists.transformList(i, v, v + "!") == ["ads!"]`],
  ],
  hierarchy: [
    () => [`hierarchy(${q}).descendentOf(hierarchy("www"))`, ['www.example']],
    () => [`hierarchy(${q}).ancestorOf(hierarchy("www.example.com"))`, ['www.example']],
    () => [`hierarchy(${q}).size() == 2`],
    (r) => [
      `hierarchy(${q}).${pick(r, ['immediateChildOf', 'immediateParentOf', 'siblingOf', 'overlaps', 'ancestorOf', 'descendentOf'])}(hierarchy("${pick(r, ['www', 'www.example', 'a.b.c', 'www.example.com', ''])}"))`,
      ['www.example.com', 'www.example', 'www', 'a.b'],
    ],
    (r) => [
      `hierarchy("${pick(r, ['www', 'www.example', 'a.b.c'])}").${pick(r, ['immediateChildOf', 'immediateParentOf', 'siblingOf', 'overlaps', 'ancestorOf', 'descendentOf'])}(hierarchy(${q}))`,
      ['www.example.com', 'www.example', 'www', 'a.b'],
    ],
    (r) => [
      `hierarchy(${q}) ${pick(r, ['==', '!='])} hierarchy("${pick(r, ['www.example', 'x'])}")`,
      ['www.example'],
    ],
    () => [`hierarchy(${q})[1] == "example"`, ['www.example']],
    () => [`hierarchy(${q}).commonAncestors(hierarchy("www.example")) == hierarchy("www")`],
  ],
  'string, int, double, type': [
    () => [`string(${q}) == "www.example"`, ['www.example']],
    () => [`int(${q}) > 5`, ['7', '10']],
    () => [`type(${q}) == string`],
    () => [`math.greatest(size(${q}), 5) == 5`],
  ],
  'two attributes': [
    () => [`${q} == R.attr.client`],
    () => [`${q}.contains(R.attr.qtype)`],
    () => [`R.attr.lists.exists(l, l == R.attr.qtype)`],
  ],
  has: [() => [`has(R.attr.qname)`], () => [`has(R.attr.lists) && "ads" in R.attr.lists`]],
  'now, timestamp, duration': [
    (r) => [
      `now() ${pick(r, ['<', '>'])} timestamp("${pick(r, ['2020-01-01T00:00:00Z', '2090-06-01T12:00:00Z'])}") && ${q}.endsWith("${pick(r, suffixes)}")`,
    ],
    (r) => [
      `now().getHours("${pick(r, ['UTC', 'Europe/Berlin', '+05:30'])}") ${pick(r, compared)} ${below(r, 24)} || ${q}.contains("a")`,
    ],
    (r) => [
      `now().getDayOfWeek() in [${below(r, 7)}, ${below(r, 7)}] ? ${q}.startsWith("w") : ${q}.startsWith("a")`,
    ],
    () => [`timestamp("2024-01-01T00:00:00Z").timeSince() > duration("24h") && ${q} != ""`],
  ],
  constant: [() => ['true'], () => ['false'], () => ['1 == 1 && "x" != "y"']],
};

function one(
  r: Random,
  from: readonly string[],
  cel: (text: string) => string,
  hints?: string[],
): [string, string[]] {
  const text = pick(r, from);
  return [cel(text), hints ?? [text]];
}
function many(
  r: Random,
  from: readonly string[],
  cel: (texts: string[]) => string,
  hints?: string[],
): [string, string[]] {
  const texts = some(r, from);
  return [cel(texts), hints ?? texts];
}

const seldom = new Set([
  'trim, reverse, format, join',
  'distinct, sort, slice, flatten, transformList',
  'hierarchy',
  'string, int, double, type',
  'two attributes',
]);
const frequent = Object.keys(templates).filter((operator) => !seldom.has(operator));

/** @param depth 2 for one operator alone */
export function generateCondition(random: Random, depth = 0): Condition {
  const chance = random();
  if (depth < 2 && chance < 0.25) {
    const [a, b] = [generateCondition(random, depth + 1), generateCondition(random, depth + 1)];
    const operator = pick(random, ['&&', '||']);
    return {
      cel: `(${a.cel}) ${operator} (${b.cel})`,
      operators: [...new Set([...a.operators, ...b.operators, operator === '&&' ? 'and' : 'or'])],
      hints: [...a.hints, ...b.hints],
    };
  }
  if (depth < 2 && chance < 0.35) {
    const inner = generateCondition(random, depth + 1);
    return { ...inner, cel: `!(${inner.cel})`, operators: [...new Set([...inner.operators, 'not'])] };
  }
  let operator = pick(random, Object.keys(templates));
  // Combined with others, what is often refused would keep those from being tried.
  if (depth > 0 && seldom.has(operator) && random() < 0.9) operator = pick(random, frequent);
  const [cel, hints = []] = pick(random, templates[operator] as Template[])(random);
  return { cel, operators: [operator], hints };
}
