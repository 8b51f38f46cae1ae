// SPDX-License-Identifier: MPL-2.0
// The Kea hook's catalogue of messages (native/kea-hook/nnoe_messages.mes) as rows; native/kea-hook/messages.cmake is
// what compiles it.

export interface HookMessage {
  code: string;
  level: string;
  text: string;
  help: string;
}

const levels: readonly [RegExp, string][] = [
  [/^This (?:fatal )?error message /, 'error'],
  [/^This warning /, 'warn'],
  [/^This informational message /, 'info'],
];

/** @throws Error when a paragraph does not begin with how severe its message is. */
export function hookMessages(catalogue: string): HookMessage[] {
  const entries = catalogue.split(/^% /m).slice(1);
  if (entries.length === 0) throw new Error('nnoe_messages.mes: found no message');
  return entries.map((entry) => {
    const [head = '', ...lines] = entry.split('\n');
    const [, code = '', text = ''] = /^(\S+) +(.+)$/.exec(head) ?? [];
    const help = lines.join(' ').replace(/\s+/g, ' ').trim();
    const level = levels.find(([words]) => words.test(help))?.[1];
    if (level === undefined)
      throw new Error(
        `nnoe_messages.mes: ${code}: found ${JSON.stringify(help.slice(0, 40))}, expected how severe it is`,
      );
    return { code, level, text, help };
  });
}
