// SPDX-License-Identifier: MPL-2.0
// `nnoe policies` of a real host, and `nnoe policies lint` without one: the real Cerbos says what it takes.
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LintReport } from '../../src/cli/policies-view.js';
import type { PoliciesReport } from '../../src/plugins/policies/report.js';
import { inProcess, nnoe } from '../lib/cli.js';
import { Host } from './lib/host.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const yaml = (cel: string, resource = 'dns_query') => `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: ${resource}
  version: default
  rules:
    - actions: [allow]
      effect: EFFECT_ALLOW
      roles: [guest]
      condition:
        match:
          expr: ${JSON.stringify(cel)}
`;

/** A new directory with these files. */
function files(of: Record<string, string | Buffer>): string {
  const directory = temporary('lint');
  mkdirSync(join(directory, 'below'));
  for (const [name, text] of Object.entries(of)) writeFileSync(join(directory, name), text);
  return directory;
}

async function linted(...paths: string[]) {
  const ran = await inProcess(['policies', 'lint', '--json', ...paths]);
  assert.is(ran.err, '');
  const report = JSON.parse(ran.out) as LintReport;
  assert.is(report.status, ran.status);
  return report;
}

/** The faults of one policy by itself, as `line path: message`. */
async function faults(cel: string, resource?: string): Promise<string> {
  const { files: found } = await linted(files({ 'p.yaml': yaml(cel, resource) }));
  return (found[0]?.faults ?? []).map(({ line, path, message }) => `${line} ${path}: ${message}`).join('\n');
}

test('lint: what is good is compiled, and nothing is left behind', async () => {
  const left = () => readdirSync(tmpdir()).filter((name) => /^nnoe-(pdp|policies)-/.test(name));
  const mine = () => left().filter((name) => name.includes(`-${process.pid}-`));
  const { status, out } = await inProcess([
    'policies',
    'lint',
    files({ 'p.yaml': yaml('R.attr.qname == "a"') }),
  ]);
  assert.is(status, 0, out);
  assert.match(out, /^ok {5}\S+\/p\.yaml: resourcePolicy dns_query$/m);
  assert.match(out, /^no faults in 1 file; compiled for guest by plans of Cerbos \d+\.\d+\.\d+$/m);
  assert.equal(mine(), []);
});

test('lint: each sort of fault, with its place and what to use instead', async () => {
  const never = await faults(
    'request.time > timestamp("2026-01-01T00:00:00Z") || P.attr.team == "x" || R.attr.domain == "x"',
  );
  assert.match(never, /^11 rules\[0\]\S+: request\.time .*; use now\(\)$/m);
  assert.match(never, /^11 rules\[0\].*: P\.attr\.team is the same for every client: use the rule's/m);
  assert.match(never, /: R\.attr\.domain is nothing that is known of a query; there are R\.attr\.qname/);
  const cases: [cel: string, found: RegExp, resource?: string][] = [
    ['R.attr.qname == R.attr.client', /^6 rules\[0\]: allow cannot be compiled for guest: /],
    ['foo(1)', /^11 : .*undeclared reference to 'foo'/],
    ['"x" in [', /^11 : .*[Ss]yntax/],
    ['true', /about the resource "other"; queries are of the resource dns_query/, 'other'],
  ];
  for (const [cel, found, resource] of cases) assert.match(await faults(cel, resource), found, cel);
});

test('lint: a directory is one set; what cannot be read is told beside what is good', async () => {
  const schema = yaml('true').replace(
    '  rules:',
    '  schemas: { resourceSchema: { ref: "cerbos:///no.json" } }\n  rules:',
  );
  const derived =
    '{"apiVersion":"api.cerbos.dev/v1","derivedRoles":{"name":"own","definitions":[{"name":"at_home","parentRoles":["staff"]}]}}';
  const importing = yaml('true').replace('  rules:', '  importDerivedRoles: [own]\n  rules:');
  const directory = files({
    'a.yaml': importing.replace('roles: [guest]', 'derivedRoles: [at_home]'),
    'below/own.json': derived,
    'binary.yml': Buffer.from([0xff, 0xfe]),
    'broken.yaml': 'a: [',
    'double.yaml': yaml('true'),
    'none.json': '{}',
    'readme.txt': 'no policy',
    'suite_test.yaml': 'no policy either',
  });
  symlinkSync(join(directory, 'a.yaml'), join(directory, 'again.yaml'));
  const { status, files: found, compiled } = await linted(directory, join(directory, 'a.yaml'));
  assert.is(status, 1);
  const said = Object.fromEntries(
    found.map(({ file, faults: all }) => [
      file.slice(directory.length + 1),
      all.map(({ message }) => message).join('; '),
    ]),
  );
  assert.equal(Object.keys(said).sort(), [
    'a.yaml',
    'below/own.json',
    'binary.yml',
    'broken.yaml',
    'double.yaml',
    'none.json',
  ]);
  assert.is(said['a.yaml'], '');
  assert.is(said['below/own.json'], '');
  assert.match(said['binary.yml'] ?? '', 'found bytes that are not UTF-8, expected YAML or JSON');
  assert.match(said['broken.yaml'] ?? '', /cannot be read: .*line \d/);
  assert.match(said['double.yaml'] ?? '', `as ${join(directory, 'a.yaml')} does`);
  assert.match(said['none.json'] ?? '', 'it is no policy of Cerbos');
  assert.equal(compiled, ['staff']);
  const wrong = await linted(files({ 'p.yaml': schema }));
  assert.match(JSON.stringify(wrong.files[0]?.faults), /no\.json/);
});

test('lint: wrong arguments, and a Cerbos that cannot be run', async () => {
  const empty = await inProcess(['policies', 'lint', files({})]);
  assert.is(empty.status, 64);
  assert.match(empty.err, 'expected a directory with policies: no .yaml, .yml or .json is in it');
  const good = files({ 'p.yaml': yaml('true') });
  const unable = await nnoe(['policies', 'lint', '--json', good], { TMPDIR: '/nowhere' });
  assert.is(unable.status, 70);
  assert.is(JSON.parse(unable.err).error.code, 'CERBOS_FAILED');
});

test('a host tells what is in force, what is not, and why', async () => {
  const pdp = { directory: temporary('policies') };
  const host = await Host.start({
    journals: {},
    plugins: { policies: { enabled: true, pdp } },
    startsHealthy: false,
  });
  const on = ['--socket', host.socket];
  const ask = async () => {
    const { status, out } = await inProcess(['policies', '--json', ...on]);
    return { status, report: JSON.parse(out) as PoliciesReport };
  };
  await until('no policy to be told', async () => (await ask()).report.programs !== undefined);
  assert.is((await ask()).status, 75);
  const put = async (id: string, text: string) => {
    const file = join(host.directory, 'policy');
    writeFileSync(file, text);
    const { status, err } = await inProcess(['store', 'put', `policies/${id}`, text, ...on]);
    assert.is(status, 0, err);
  };
  await put('guests', yaml('now().getHours("UTC") < 24 && R.attr.qname == "a"'));
  await until('it to be in force', async () => (await ask()).status === 0, 20_000);
  const { report } = await ask();
  const [guests] = report.policies;
  assert.is(
    `${guests?.id} ${guests?.state} ${guests?.kind} ${guests?.name}`,
    'guests used resourcePolicy dns_query',
  );
  assert.ok(Math.abs(Date.parse(guests?.since ?? '') - Date.now()) < 60_000);
  assert.is(report.programs?.compiled, 1);
  assert.is(report.programs?.actions[0], 'allow');
  assert.equal(report.unplanned, []);
  assert.ok(Date.parse(report.plannedAgain ?? '') - Date.now() < 60_000);
  assert.is(report.pdp.state, 'answers');
  assert.match(report.pdp.version ?? '', /^\d+\.\d+/);
  assert.match(report.pdp.address ?? '', /^unix:/);
  await put('guests', yaml('P.attr.x == 1'));
  await until('it to be refused', async () => (await ask()).status === 75);
  const shown = await inProcess(['policies', ...on]);
  assert.match(shown.out, /^guests +old +for /m);
  assert.match(shown.out, /guests: rules\[0\]\S*: P\.attr\.x .*; the text before it is in force/);
  await host.stop();
});

test.run();
