// SPDX-License-Identifier: MPL-2.0
// The reasons of a verdict, for people: what happens first, then every step that led there.
import type { BridgeReport } from '../host/control/api.js';
import type { WhyAction, WhyReport } from '../host/tables/why.js';
import type { Out } from './io.js';
import { duration, printable, row, widths } from './text.js';

/** What each dnsdist says of itself, or why no host could be asked. */
export type WhyBridges = { bridges: readonly BridgeReport[] } | { hostReason: string };

/** What Cerbos says of the query now, or why that is not known. */
export type WhyRuling = { action?: string } | { unknown: string };

/** @param asked the name as it was typed. Ends with a newline. */
export function showWhy(
  report: WhyReport,
  asked: string,
  seen: WhyBridges,
  out: Out,
  ruling?: WhyRuling,
): string {
  const { client, name, type, action } = report;
  const act = action?.act ?? 'fail';
  const colour = act === 'allow' ? out.paint.green : action === undefined ? out.paint.yellow : out.paint.red;
  const what = `${printable(client)} asks for ${printable(name)} ${type}: `;
  const rows = [
    ...(asked.toLowerCase().replace(/\.$/, '') === name ? [] : [['name', `asked as ${asked}`]]),
    ['decided by', decidedBy(report)],
    ['dnsdist', effect(report, seen)],
    ...(ruling === undefined ? [] : [['Cerbos', ruled(ruling)]]),
    ['roles', rolesText(report)],
    ...listRows(report),
    ['tables', tablesText(report)],
    ...bridgeRows(report, seen),
  ].map((cells) => cells.map(printable));
  const wide = widths(rows.map((cells) => cells.slice(0, -1)));
  const lines = rows.map(
    (cells) => `  ${row(cells, wide, out.columns && out.columns - 2).replaceAll('\n', '\n  ')}`,
  );
  return `${[what + out.paint.bold(colour(verdictWord(action))), ...lines].join('\n')}\n`;
}

const verdictWord = (action: WhyAction | undefined): string =>
  action === undefined ? 'what `fail` says' : action.act;

function decidedBy({ reason, list, rule }: WhyReport): string {
  switch (reason) {
    case 'block-list':
      return `block list ${list}`;
    case 'allow-list':
      return `allow list ${list}; no policies are in use`;
    case 'policy':
      return `${rule || 'the policies'}${list === undefined ? '' : `; allow list ${list} does not overrule policies`}`;
    case 'no-policy':
      return 'nothing: no list that this client is held to has it, and no policies are in use';
    case 'unplanned':
      return 'nothing: policies are in use, and there is none for these roles (yet)';
    case 'fallback':
      return 'the policy decision point';
    case 'fallback-miss':
      return 'on-miss: no program is made for these roles, Cerbos is asked query by query';
    case 'no-tables':
      return 'nothing: no tables are published';
    default:
      return 'nothing: the name is none';
  }
}

const ruled = (ruling: WhyRuling): string =>
  'unknown' in ruling ? `what it says is not known: ${ruling.unknown}` : `says ${ruling.action}, now`;

function effect({ action, reason }: WhyReport, seen: WhyBridges): string {
  const until =
    reason === 'fallback-miss' ? ' until it has been told what Cerbos says; then it does that' : '';
  if (action !== undefined) return effects[action.act](action) + extended(action) + until;
  const fails = new Set('bridges' in seen ? seen.bridges.map(({ fail }) => fail) : []);
  const [one] = fails;
  if (fails.size === 1 && one !== undefined) return `its \`fail\` is ${one}: ${failWords[one] ?? one}`;
  return `does what its \`fail\` says; open: ${failWords.open}; closed: ${failWords.closed}`;
}

const failWords: Record<string, string> = { open: 'lets it through', closed: 'answers REFUSED' };

const negative = (code: string) => (action: WhyAction) => `answers ${code}${ttl(action)}`;
const ttl = ({ ttl: seconds }: WhyAction) => (seconds === undefined ? '' : ` for ${seconds} s`);

const effects: Record<WhyAction['act'], (action: WhyAction) => string> = {
  allow: () => 'lets it through',
  drop: () => 'drops it: there is no answer',
  nxdomain: negative('NXDOMAIN'),
  refused: () => 'answers REFUSED',
  nodata: negative('NOERROR without records'),
  truncate: () => 'answers over UDP with the TC bit, so that the client comes again over TCP',
  redirect: ({ a = [], aaaa = [], cname, ...rest }) =>
    `answers ${[...(cname === undefined ? [] : [`CNAME ${cname}`]), ...a.map((each) => `A ${each}`), ...aaaa.map((each) => `AAAA ${each}`)].join(', ')}${ttl({ ...rest })}`,
  pool: ({ pool }) => `sends it to pool ${pool}`,
};

function extended({ extendedError }: WhyAction): string {
  if (extendedError === undefined) return '';
  const { code, text } = extendedError;
  return `; extended error ${code}${text === '' ? '' : ` (${text})`} for clients with EDNS`;
}

function rolesText({ roles, roleSet, mapping, generation }: WhyReport): string {
  if (generation === 0) return 'not known';
  const why = mapping === undefined ? 'no mapping covers the client' : `by the mapping ${mapping.key}`;
  return `${roles.join(', ')} (set ${roleSet}): ${why}`;
}

function listRows({ levels }: WhyReport): string[][] {
  if (levels.length === 0) return [['lists', 'the name is on none']];
  return levels.map(({ name, lists, changed }, i) => [
    i === 0 ? 'lists' : '',
    `${name || '.'} is on ${lists.join(', ') || 'none any more'}${changed ? ', changed lately' : ''}`,
  ]);
}

const tablesText = ({ generation, ageSeconds = 0, directory }: WhyReport): string =>
  generation === 0
    ? `nothing is published in ${directory}`
    : `generation ${generation}, of ${duration(ageSeconds)} ago, in ${directory}`;

/** Which dnsdist would say something else. */
function bridgeRows({ generation }: WhyReport, seen: WhyBridges): string[][] {
  if ('hostReason' in seen) return [['', `what dnsdist has of them is not known: ${seen.hostReason}`]];
  return seen.bridges
    .filter((bridge) => bridge.generation !== generation)
    .map(({ pid, generation: has, refused }) => [
      '',
      `dnsdist ${pid} has ${has === 0 ? 'no tables' : `generation ${has}`}${refused === undefined ? '' : `, refusing ${refused.generation}: ${refused.reason}`}, so it may decide otherwise`,
    ]);
}
