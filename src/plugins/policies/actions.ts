// SPDX-License-Identifier: MPL-2.0
// Actions that a policy may grant, and the order in which they are asked.

const fixed = ['nxdomain', 'nodata', 'refused', 'drop', 'truncate'] as const;
const rank = (action: string): number => {
  if (action === 'allow') return 0;
  if (action.startsWith('redirect:')) return 1;
  if (action.startsWith('pool:')) return 100;
  return 2 + fixed.indexOf(action as (typeof fixed)[number]);
};

/** Whether `text` is an action: `allow`, one of the fixed ones, `redirect:<answer>` or `pool:<name>`. */
export function isAction(text: string): boolean {
  return (
    text === 'allow' || (fixed as readonly string[]).includes(text) || /^(redirect|pool):[^\s*]+$/.test(text)
  );
}

/**
 * `allow` first; then redirect:<answer>, nxdomain, nodata, refused, drop, truncate, pool:<name>; several answers or
 * pools in the order of their names. The fixed ones are always in it.
 */
export function askedInOrder(named: Iterable<string>): string[] {
  const all = new Set(['allow', ...fixed, ...[...named].filter(isAction)]);
  return [...all].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}
