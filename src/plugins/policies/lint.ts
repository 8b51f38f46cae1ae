// SPDX-License-Identifier: MPL-2.0
// What is wrong with a policy before Cerbos sees it: things that Cerbos accepts and that here never hold, or of which its
// plans say something else than its decisions. Each finding says what to use instead.
import { isAction } from './actions.js';
import { type Chain, chainAt, type Token, tokens } from './cel.js';
import { resourceKind } from './pdp/pdp.js';
import schema from './schema/dns_query.json' with { type: 'json' };
import { type CelText, type PolicySource, parseSource } from './source.js';

export interface Finding {
  /** Where in the policy; '' for the policy as a whole. */
  path: string;
  message: string;
}

export interface Linted {
  /** Undefined when it cannot be read at all. */
  source: PolicySource | undefined;
  findings: Finding[];
}

const attributes = Object.keys(schema.properties);
const known = attributes.map((name) => `R.attr.${name}`).join(', ');
const useRoles = "use the rule's roles, or derived roles; no principal has attributes here";

/** By what is read. */
const instead: Record<string, string> = {
  'request.time': 'does not exist in Cerbos; use now()',
  'request.domain': 'does not exist in Cerbos; use R.attr.qname',
  'request.client': 'does not exist in Cerbos; use R.attr.client',
  'request.auxData': 'is always empty: no token comes with a DNS query',
  'request.aux_data': 'is always empty: no token comes with a DNS query',
  runtime: 'is not compiled; give the condition to the rule that imports the derived role',
  G: 'is not set: the decision point has no globals; use constants of the policy',
  globals: 'is not set: the decision point has no globals; use constants of the policy',
};
const functions: Record<string, string> = {
  bytes: 'is not compiled: plans show bytes as text',
  id: 'is of Cerbos itself',
};

/** Written in base64 it is the name of a file, of at most 255 bytes. */
const mostIdBytes = 180;

export function lint(id: string, text: string): Linted {
  let source: PolicySource;
  if (Buffer.byteLength(id) > mostIdBytes) {
    const message = `its key has ${Buffer.byteLength(id)} bytes, ${mostIdBytes} at most`;
    return { source: undefined, findings: [{ path: '', message }] };
  }
  try {
    source = parseSource(id, text);
  } catch (error) {
    return { source: undefined, findings: [{ path: '', message: `it cannot be read: ${firstLine(error)}` }] };
  }
  const findings = [
    ...wholePolicy(source),
    ...source.expressions.flatMap((each) => expression(each, source)),
  ];
  return { source, findings };
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';

function wholePolicy({ kind, name, version, scope, rules, patterns }: PolicySource): Finding[] {
  const whole = (message: string): Finding => ({ path: '', message });
  const found: Finding[] = [];
  switch (kind) {
    case '':
      return [
        whole(
          'it is no policy of Cerbos: resourcePolicy, rolePolicy, derivedRoles, exportVariables or exportConstants',
        ),
      ];
    case 'principalPolicy':
      return [whole(`principal policies are not used: every client is the principal "client"; ${useRoles}`)];
    case 'rolePolicy':
    case 'resourcePolicy':
      if (kind === 'resourcePolicy' && name !== resourceKind)
        found.push(
          whole(
            `it is about the resource ${JSON.stringify(name)}; queries are of the resource ${resourceKind}`,
          ),
        );
      if (version !== 'default' && (kind !== 'rolePolicy' || version !== ''))
        found.push(whole(`its version is ${JSON.stringify(version)}; only "default" is asked for`));
      if (scope !== '') found.push(whole(`its scope is ${JSON.stringify(scope)}; queries have none`));
  }
  for (const pattern of patterns)
    found.push(
      whole(
        `it names the resource ${JSON.stringify(pattern)}, whose plans say something else than decisions; name ${resourceKind}`,
      ),
    );
  for (const action of new Set(rules.flatMap((rule) => rule.actions))) {
    if (isAction(action) || action.includes('*')) continue;
    found.push(
      whole(
        `${JSON.stringify(action)} is no action: allow, redirect:<answer>, nxdomain, nodata, refused, drop, truncate, pool:<name>`,
      ),
    );
  }
  return found;
}

function expression({ cel, path }: CelText, source: PolicySource): Finding[] {
  const all = tokens(cel);
  const found: Finding[] = [];
  const tell = (message: string) => found.push({ path, message });
  for (let i = 0; i < all.length; i++) {
    const token = all[i] as Token;
    if (token.kind === 'bytes') tell('bytes are not compiled: plans show them as text');
    const chain = chainAt(all, i);
    if (!chain) continue;
    const message = wrong(chain, all) ?? (all[i - 1]?.text === 'in' ? scalar(chain, source) : undefined);
    if (message !== undefined) tell(message);
    i = chain.end - 1;
  }
  if (readsClock(cel) && all.some(({ text }) => /^get(Seconds|Milliseconds)$/.test(text))) {
    tell('a condition that changes every second is not compiled; the clock is read to the minute');
  }
  return found;
}

/** Why this must not be read; undefined when it may. */
function wrong({ parts, end }: Chain, all: readonly Token[]): string | undefined {
  const shown = parts.join('.');
  const called = all[end]?.text === '(';
  const [root = '', second = '', ...rest] = parts;
  if (called && parts.length === 1) return functions[root] && `${root}() ${functions[root]}`;
  if (root === 'P' || (root === 'request' && second === 'principal'))
    return `${shown} is the same for every client: ${useRoles}`;
  const told = Object.hasOwn(instead, root)
    ? root
    : Object.hasOwn(instead, `${root}.${second}`)
      ? `${root}.${second}`
      : undefined;
  if (told !== undefined) return `${told} ${instead[told]}`;
  if (root === 'base64') return 'base64 is not compiled: plans show bytes as text';
  if (root === 'request' && second !== 'resource')
    return `${shown} is nothing that is known of a query; there are ${known}`;
  const path = root === 'R' ? [second, ...rest] : root === 'request' ? rest : undefined;
  if (!path || path[0] === 'kind') return undefined;
  if (path[0] === 'attr' && attributes.includes(path[1] ?? '')) return undefined;
  return `${shown} is nothing that is known of a query; there are ${known}`;
}

/** Cerbos fails on `x in <no list>` and plans it as an equality. */
function scalar({ parts: [root = '', ...names] }: Chain, source: PolicySource): string | undefined {
  if (root !== 'C' && root !== 'constants') return undefined;
  return source.scalars.includes(names.join('.'))
    ? `${root}.${names.join('.')} is no list to be in`
    : undefined;
}

/** Whether the expression is another one at another time. */
export const readsClock = (cel: string): boolean => {
  const all = tokens(cel);
  return all.some(
    ({ kind, text }, i) =>
      kind === 'name' && (text === 'now' || text === 'timeSince') && all[i + 1]?.text === '(',
  );
};
