// SPDX-License-Identifier: MPL-2.0
// The rule that dnsdist's YAML (2.0 and later) needs: put in, changed, taken out again. Pure: text to text.
import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { type Bridge, changedCall, findCall, type LuaEdit, luaCall } from './lua-edit.js';
import { edited, forPeople, lineStart, newlineOf, nextLine, refuse } from './text-edit.js';

const rule = (bridge: Bridge) => [
  '- name: "nnoe"',
  '  selector:',
  '    type: "All"',
  '  action:',
  '    type: "LuaFFIPerThread"',
  '    code: |',
  `      return ${luaCall(bridge)}`,
];

/** @throws NnoeError SETUP_TEXT */
export function addRule(file: string, text: string, usual: Bridge, wanted: Partial<Bridge> = {}): LuaEdit {
  const { root, rules, ours } = find(file, text);
  if (ours !== undefined) {
    const [from = 0, to = 0] = code(ours)?.range ?? [];
    const call = findCall(file, onlyOf(text, from, to));
    if (call === undefined)
      return refuse(file, text, from, 'a rule "nnoe" without nnoe.lua', 'its dofile("…/nnoe.lua")({ … })');
    return changedCall(text, call, wanted);
  }
  const bridge = { ...usual, ...wanted };
  const newline = newlineOf(text);
  const lines = (indent: string) =>
    rule(bridge)
      .map((line) => indent + line + newline)
      .join('');
  if (rules === undefined) {
    const [, , end = text.length] = root?.range ?? [];
    const before = end > 0 && text[end - 1] !== '\n' ? newline : '';
    const all = `${before}query_rules:${newline}${lines('  ')}`;
    return { text: edited(text, [{ offset: end, length: 0, text: all }]), bridge };
  }
  const at = lineStart(text, rules.range?.[0] ?? 0);
  const indent = /^ */.exec(text.slice(at))?.[0] ?? '';
  return { text: edited(text, [{ offset: at, length: 0, text: lines(indent) }]), bridge };
}

/** The same text when there is none of ours. @throws NnoeError SETUP_TEXT */
export function removeRule(file: string, text: string): LuaEdit {
  const { pair, rules, ours } = find(file, text);
  if (rules === undefined || ours === undefined) return { text };
  const alone = rules.items.length === 1;
  const key = isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : 0;
  const offset = lineStart(text, alone ? key : (ours.range?.[0] ?? 0));
  // Its code is the last that it has; what ends with a newline ends there.
  const [, last = 0] = ours.range ?? [];
  const end = text[last - 1] === '\n' ? last : nextLine(text, last);
  return { text: edited(text, [{ offset, length: end - offset, text: '' }]) };
}

/** The same places, and nothing else. */
const onlyOf = (text: string, from: number, to: number) =>
  text.slice(0, from).replace(/[^\n]/g, ' ') +
  text.slice(from, to).replace(/^[|>][^\n]*/, (head) => ' '.repeat(head.length));

interface Places {
  root: YAMLMap | undefined;
  pair?: Pair | undefined;
  rules?: YAMLSeq | undefined;
  ours?: YAMLMap | undefined;
}

function find(file: string, text: string): Places {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const [error] = document.errors;
  if (error !== undefined)
    return refuse(file, text, error.pos[0], error.message.split(/ at line |\n/)[0] ?? '', 'YAML');
  const { contents: root } = document;
  if (root === null || (isScalar(root) && root.value === null)) return { root: undefined };
  if (!isMap(root) || root.flow)
    return refuse(
      file,
      text,
      root.range?.[0] ?? 0,
      'no block of keys',
      'a configuration of dnsdist, a key a line',
    );
  const pair = root.items.find(({ key }) => isScalar(key) && String(key.value) === 'query_rules');
  if (pair === undefined) return { root };
  const { value: rules } = pair;
  if (!isSeq(rules) || rules.flow || rules.items.length === 0) {
    const at = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
    return refuse(
      file,
      text,
      at,
      'query_rules without a rule on lines of its own',
      'a list of rules, or no query_rules',
    );
  }
  const items = rules.items.filter((item) => isMap(item));
  const ours = items.find((item) => {
    const value = code(item)?.value;
    return (
      String(item.get('name')) === 'nnoe' ||
      (typeof value === 'string' && forPeople(value).includes('nnoe.lua'))
    );
  });
  return { root, pair, rules, ours };
}

function code(item: YAMLMap) {
  const found = item.getIn(['action', 'code'], true);
  return isScalar(found) ? found : undefined;
}
