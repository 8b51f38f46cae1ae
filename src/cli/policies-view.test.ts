// SPDX-License-Identifier: MPL-2.0
// `nnoe policies` for people.
import { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PoliciesReport } from '../plugins/policies/report.js';
import { Out } from './io.js';
import { policiesState, showLint, showPolicies } from './policies-view.js';

const now = Date.parse('2026-01-02T00:00:00Z');
const out = new Out(new Writable(), {});

const well: PoliciesReport = {
  policies: [
    {
      id: 'guests',
      state: 'used',
      kind: 'resourcePolicy',
      name: 'dns_query',
      version: 'default',
      since: '2026-01-01T22:00:00Z',
      reasons: [],
    },
  ],
  programs: {
    since: '2026-01-01T23:00:00Z',
    compiled: 3,
    onMiss: 1,
    actions: ['allow', 'drop'],
    instructions: 1234,
  },
  unplanned: [],
  plannedAgain: '2026-01-02T00:00:30.000Z',
  pdp: { state: 'answers', address: 'unix:/tmp/x/grpc', version: '0.51.0' },
};

test('policies that are well: a row each, what they became, and the clock', () => {
  assert.is(
    showPolicies(well, out, now),
    `POLICY  STATE  IN FORCE  KIND
guests  ok     for 2 h   resourcePolicy dns_query, version default

programs: 3 sets of roles compiled, 1 by on-miss, 2 actions, 1,234 instructions, in force for 1 h
clock:    read; planned again in 30 s, at 2026-01-02T00:00:30.000Z
Cerbos:   0.51.0, answers at unix:/tmp/x/grpc
`,
  );
  assert.is(policiesState(well), 'ok');
});

test('what is refused, unplanned and away is told with the reason', () => {
  const [guests] = well.policies;
  assert.ok(guests);
  const { programs: _, plannedAgain: __, ...rest } = well;
  const report: PoliciesReport = {
    ...rest,
    policies: [
      { ...guests, state: 'old', reasons: ['rules[0]: P.attr.x \u001b[31m'] },
      { id: 'none', state: 'refused', kind: '', name: '', version: '', reasons: ['it is no policy'] },
    ],
    unplanned: [{ id: 7, roles: ['guest', 'staff'] }],
    pdp: { state: 'away', address: 'pdp:3593', reason: 'refused' },
    trouble: 'Cerbos does not answer',
  };
  assert.is(
    showPolicies(report, out, now),
    `POLICY  STATE    IN FORCE  KIND
guests  old      for 2 h   resourcePolicy dns_query, version default
none    refused  no        no policy of Cerbos

programs: none of this start of the host; those of before stay in force
clock:    no policy reads it
Cerbos:   away, at pdp:3593: refused

To know
  guests: rules[0]: P.attr.x \\u{1b}[31m; the text before it is in force
  none: it is no policy
  Cerbos does not answer
  set 7 (guest, staff) has no program: its queries meet what \`fail\` of the bridge says
`,
  );
  assert.is(policiesState(report), 'degraded');
  for (const bad of [
    { policies: [] },
    { unplanned: report.unplanned },
    { pdp: report.pdp },
    { trouble: 'x' },
  ])
    assert.is(policiesState({ ...well, ...bad }), 'degraded', JSON.stringify(bad));
});

test('no policies at all', () => {
  const report = {
    ...well,
    policies: [],
    programs: { since: well.programs?.since ?? '', compiled: 0, onMiss: 0, actions: [], instructions: 0 },
    pdp: { state: 'not needed yet' as const },
  };
  const shown = showPolicies(report, out, now);
  assert.match(shown, /^there are no policies/);
  assert.match(shown, 'programs: none, there is no policy to go by');
  assert.match(shown, 'Cerbos:   not needed yet');
});

test('faults of files stand where a compiler would say them', () => {
  const fault = { path: 'rules[0]', message: 'not\ncompiled', by: 'compiler' as const };
  const files = [
    { file: 'a.yaml', kind: 'resourcePolicy', name: 'dns_query', faults: [] },
    {
      file: 'b.yaml',
      kind: '',
      name: '',
      faults: [
        { ...fault, line: 3, column: 5 },
        { ...fault, path: '' },
      ],
    },
  ];
  assert.is(
    showLint({ status: 1, files, compiled: ['guest'], cerbos: '0.51.0' }, out),
    `ok     a.yaml: resourcePolicy dns_query
fault  b.yaml:3:5: rules[0]: not\\u{a}compiled
fault  b.yaml: not\\u{a}compiled
1 with faults in 2 files; compiled for guest by plans of Cerbos 0.51.0
`,
  );
});

test.run();
