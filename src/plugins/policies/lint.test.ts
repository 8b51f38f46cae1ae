// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clockOf, nextBoundary } from './clock.js';
import { lint } from './lint.js';
import type { PolicySource } from './source.js';

const policy = (cel: string, more = ''): string => `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: dns_query
  version: default
${more}  rules:
    - actions: [allow]
      effect: EFFECT_ALLOW
      roles: [guest]
      condition:
        match:
          expr: ${JSON.stringify(cel)}
`;
const found = (cel: string, more?: string) =>
  lint('p', policy(cel, more)).findings.map(({ message }) => message);

test('what may be read is not found fault with', () => {
  for (const cel of [
    'R.attr.qname.endsWith(".example") && R.attr["qtype"] == "A"',
    'request.resource.attr.client.inIPAddrRange("10.0.0.0/8") || "ads" in R.attr.lists',
    'R.kind == "dns_query" && now().getHours() > 8',
    '"P.attr.x request.time" == R.attr.qname // P.id',
    'R.attr.lists.exists(P1, P1.startsWith("x"))',
    '["a"].exists(s, R.attr.qname.startsWith(s))',
  ]) {
    assert.equal(found(cel), [], cel);
  }
});

test('what never holds is refused, with what to use instead', () => {
  const says = (cel: string, part: string) => assert.match(found(cel).join('; '), part, cel);
  says('P.attr.department == "x"', "use the rule's roles");
  says('"admin" in P.roles', "use the rule's roles");
  says('request.principal.id == "x"', "use the rule's roles");
  says('request.time > timestamp("2024-01-01T00:00:00Z")', 'use now()');
  says('request.domain == "x"', 'use R.attr.qname');
  says('R.attr.domain == "x"', 'R.attr.domain is nothing that is known of a query; there are R.attr.qname');
  says('has(R.attr.other)', 'R.attr.other is nothing');
  says('R.attr == {}', 'R.attr is nothing');
  says('R["attr"]["name"] == "x"', 'R.attr.name is nothing');
  says('R.id == "query"', 'R.id is nothing');
  says('"x" in runtime.effectiveDerivedRoles', 'runtime is not compiled');
  says('G.environment == "x"', 'no globals');
  says('R.attr.qname == b"abc"', 'bytes are not compiled');
  says('base64.encode(bytes("x")) == R.attr.qname', 'base64 is not compiled');
  says('now().getSeconds() == 1', 'to the minute');
});

test('a scalar constant is no list', () => {
  const constants = '  constants: { local: { one: "a", many: ["a"] } }\n';
  assert.match(found('R.attr.qname in C.one', constants).join(), 'C.one is no list');
  assert.equal(found('R.attr.qname in C.many', constants), []);
});

test('policies that nobody asks for are refused as a whole', () => {
  const whole = (text: string) =>
    lint('p', text)
      .findings.map(({ message }) => message)
      .join('; ');
  assert.match(whole('a: ['), 'it cannot be read');
  assert.match(whole('{}'), 'no policy of Cerbos');
  assert.match(whole(policy('true').replace('dns_query', 'domain')), 'about the resource "domain"');
  assert.match(whole(policy('true').replace('default', 'v2')), 'its version is "v2"');
  assert.match(whole(policy('true').replace('[allow]', '[block, "redirect:*"]')), '"block" is no action');
  assert.match(
    whole('{"apiVersion":"api.cerbos.dev/v1","principalPolicy":{"principal":"client","version":"default"}}'),
    'principal policies are not used',
  );
});

test('role policies are like policies of resources: of one version, and without a scope', () => {
  const role = (more: string, actions = '[allow]') =>
    `apiVersion: api.cerbos.dev/v1
rolePolicy:
  role: guest
${more}  rules: [{ resource: dns_query, allowActions: ${actions} }, { resource: other, allowActions: [view] }]
`;
  const whole = (text: string) =>
    lint('p', text)
      .findings.map(({ message }) => message)
      .join('; ');
  assert.is(whole(role('')), '');
  assert.is(whole(role('  version: default\n  parentRoles: [staff]\n')), '');
  assert.match(whole(role('  version: v2\n')), 'its version is "v2"');
  assert.match(whole(role('  scope: home\n')), 'its scope is "home"; queries have none');
  assert.match(whole(role('', '[view]')), '"view" is no action');
  assert.match(whole(role('').replace('dns_query', '"dns_*"')), 'it names the resource "dns_*"');
  const source = lint('p', role('  parentRoles: [staff]\n')).source as PolicySource;
  assert.is(source.negates, true, 'what it does not allow it denies');
  assert.equal(source.parentRoles, ['staff']);
});

test('a key that is too long for the name of a file is refused by itself', () => {
  const findings = (id: string) => lint(id, policy('true')).findings.map(({ message }) => message);
  assert.equal(findings('é'.repeat(90)), []);
  assert.equal(findings('é'.repeat(91)), ['its key has 182 bytes, 180 at most']);
});

test('facts of a policy are seen where they stand', () => {
  const source = (text: string) => lint('p', text).source as PolicySource;
  assert.is(source(policy('true')).negates, false);
  assert.is(source(policy('true').replace('EFFECT_ALLOW', 'EFFECT_DENY')).negates, true);
  assert.is(
    source(
      policy('true').replace(
        /match:\n *expr: .*/,
        'match: { all: { of: [{ none: { of: [{ expr: "true" }] } }] } }',
      ),
    ).negates,
    true,
  );
  assert.is(source(policy('true', '  constants: { local: { n: 5 } }\n')).numericConstants, true);
  assert.equal(
    source(policy('V.x', '  variables: { local: { x: "R.attr.qname == now()" } }\n')).expressions.map(
      ({ cel }) => cel,
    ),
    ['R.attr.qname == now()', 'V.x'],
  );
});

test('plans are made again when the minute begins, and right behind the times that policies name', () => {
  const clock = (cel: string) => clockOf([lint('p', policy(cel)).source as PolicySource]);
  const at = Date.parse('2026-01-01T10:00:30.500Z');
  assert.is(nextBoundary(clock('R.attr.qname == "x"'), at), undefined);
  assert.is(nextBoundary(clock('now().getHours() == 10'), at), Date.parse('2026-01-01T10:01:00Z'));
  assert.is(
    nextBoundary(clock('now() > timestamp("2026-01-01T10:00:45Z")'), at),
    Date.parse('2026-01-01T10:00:45.001Z'),
  );
  assert.is(
    nextBoundary(clock('now() - timestamp("2026-01-01T10:00:00Z") > duration("40s")'), at),
    Date.parse('2026-01-01T10:00:40.001Z'),
  );
  assert.is(
    nextBoundary(clock('timestamp("2020-01-01T00:00:00Z").timeSince() > duration("1h")'), at),
    Date.parse('2026-01-01T10:01:00Z'),
  );
});

test.run();
