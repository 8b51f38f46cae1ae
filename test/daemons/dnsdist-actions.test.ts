// SPDX-License-Identifier: MPL-2.0
// Every action, read from the wire of a real dnsdist: over UDP and TCP, for clients with and without EDNS.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Ask, ask, encodeQuery, exchange, type Reply } from './lib/dns.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { Knot } from './lib/knot.js';
import { blocked, Tables } from './lib/tables.js';

const listed = { code: 15, text: 'on a list' };
let dnsdist: Dnsdist;
let servers: Knot[] = [];
let tables: Tables | undefined;

const lines = [
  ...['nxdomain', 'nodata', 'refused', 'truncate', 'drop'].flatMap((act) => blocked(act, `ede:15:${act}`)),
  ...blocked('redirect', 'ede:15:to:192.0.2.1,192.0.2.2,2001:db8::1'),
  ...blocked('cname', 'ede:15:cname:portal.example'),
  ...blocked('itself', 'cname:www.itself.example'),
  ...blocked('pool', 'pool:quarantine'),
  ...['127.0.0.9', '192.0.2.9', '2001:db8::9'].map((address) => `map ${address} guest`),
  ...['list guests block', 'name guests exact guest.example', 'take guest guests nodata'],
];

test.before(async () => {
  tables = Tables.open();
  await tables.publish(...lines);
  servers = await Promise.all([Knot.start(), Knot.start({ records: ['* 300 A 203.0.113.66'] })]);
  const [main, quarantine] = servers as [Knot, Knot];
  dnsdist = await Dnsdist.start({
    server: main,
    lua: [
      `newServer({ address = "127.0.0.1:${quarantine.port}", pool = "quarantine" }):setUp()`,
      'setProxyProtocolACL({ "127.0.0.77/32" })',
      bridgeLine({ directory: tables.directory }),
    ],
  });
});

test.after(async () => {
  await dnsdist?.stop();
  await Promise.all(servers.map((server) => server.stop()));
  await tables?.close();
});

const variants: Pick<Ask, 'transport' | 'edns'>[] = [
  { transport: 'udp' },
  { transport: 'tcp' },
  { transport: 'udp', edns: {} },
  { transport: 'udp', edns: { size: 4096, dnssecOk: true } },
  { transport: 'tcp', edns: { dnssecOk: true } },
];

const told = ({ transport, edns }: Pick<Ask, 'transport' | 'edns'>) =>
  `${transport}${edns ? `, EDNS ${JSON.stringify(edns)}` : ''}`;

/** Asks in every variant, and checks what every answer of ours has. */
async function each(
  question: Ask,
  check: (reply: Reply, how: string) => void,
  { error = listed }: { error?: typeof listed | undefined } = {},
): Promise<void> {
  for (const variant of variants) {
    const how = told(variant);
    const reply = await ask(dnsdist, { ...question, ...variant });
    assert.ok(reply, `an answer, ${how}`);
    assert.is(reply.name, question.name, how);
    assert.ok(reply.recursionAvailable, how);
    if (!variant.edns) assert.is(reply.edns, undefined, how);
    else {
      assert.is(reply.edns?.dnssecOk, variant.edns.dnssecOk ?? false, how);
      assert.equal(reply.edns?.error, error, how);
    }
    check(reply, how);
  }
}

test('allowed: the server behind answers', async () => {
  for (const variant of variants) {
    const reply = await ask(dnsdist, { name: 'WWW.example', ...variant });
    assert.is(reply?.answers[0]?.data, '198.51.100.1', told(variant));
  }
});

test('nxdomain and nodata, with a SOA that says how long', async () => {
  for (const [name, rcode] of [
    ['NxDomain.eXample', 'NXDOMAIN'],
    ['nodata.example', 'NOERROR'],
  ] as const)
    await each({ name }, (reply, how) => {
      assert.is(reply.rcode, rcode, how);
      assert.equal(reply.answers, [], how);
      assert.is(reply.authorities.length, 1, how);
      assert.is(reply.minimum, 60, how);
    });
});

test('refused', async () => {
  await each({ name: 'refused.example' }, (reply, how) => {
    assert.is(reply.rcode, 'REFUSED', how);
    assert.equal(reply.answers, [], how);
  });
});

test('redirected to addresses: each family for its type, nothing else', async () => {
  const name = 'redirect.example';
  const data = (reply: Reply) => reply.answers.map((answer) => `${answer.ttl} ${answer.type} ${answer.data}`);
  await each({ name }, (reply, how) => {
    assert.equal(data(reply), ['60 A 192.0.2.1', '60 A 192.0.2.2'], how);
  });
  await each({ name, type: 'AAAA' }, (reply, how) => {
    assert.equal(data(reply), ['60 AAAA 2001:db8::1'], how);
  });
  for (const type of ['TXT', 'HTTPS', 'MX'] as const)
    await each({ name, type }, (reply, how) => {
      assert.is(reply.rcode, 'NOERROR', how);
      assert.equal(reply.answers, [], how);
      assert.is(reply.minimum, 60, how);
    });
});

test('redirected to a name, whatever the type', async () => {
  for (const type of ['A', 'AAAA', 'TXT', 'HTTPS'] as const)
    await each({ name: 'cname.example', type }, (reply, how) => {
      assert.is(reply.answers.length, 1, how);
      assert.is(reply.answers[0]?.type, 'CNAME', how);
      assert.is(reply.answers[0]?.data, 'portal.example', how);
    });
});

test('a name is not redirected to itself', async () => {
  assert.is((await ask(dnsdist, { name: 'other.itself.example' }))?.answers[0]?.data, 'www.itself.example');
  assert.is((await ask(dnsdist, { name: 'WWW.itself.example' }))?.answers[0]?.data, '198.51.100.1');
});

test('truncated over UDP, answered over TCP', async () => {
  const name = 'truncate.example';
  for (const edns of [undefined, {}]) {
    const udp = await ask(dnsdist, { name, ...(edns && { edns }) });
    assert.ok(udp?.truncated);
    assert.equal(udp.answers, []);
    assert.is(udp.edns !== undefined, edns !== undefined);
    const tcp = await ask(dnsdist, { name, transport: 'tcp', ...(edns && { edns }) });
    assert.not.ok(tcp?.truncated);
    assert.is(tcp?.answers[0]?.data, '198.51.100.1');
  }
});

test('dropped: no answer', async () => {
  for (const transport of ['udp', 'tcp'] as const)
    assert.is(await ask(dnsdist, { name: 'drop.example', transport, timeout: 300 }), undefined);
});

test('a pool: other servers answer', async () => {
  for (const variant of variants) {
    const reply = await ask(dnsdist, { name: 'pool.example', ...variant });
    assert.is(reply?.answers[0]?.data, '203.0.113.66', told(variant));
  }
});

test('the client is who dnsdist knows it to be: its address, or what a trusted proxy says', async () => {
  const name = 'guest.example';
  for (const transport of ['udp', 'tcp'] as const) {
    const answers = async (more: Partial<Ask>, server = dnsdist as Parameters<typeof ask>[0]) =>
      (await ask(server, { name, transport, ...more }))?.answers.length;
    assert.is(await answers({ from: '127.0.0.9' }), 0);
    assert.is(await answers({ from: '127.0.0.8' }), 1);
    assert.is(await answers({}, dnsdist.v6), 1);
    const destination = '192.0.2.53';
    const from = '127.0.0.77';
    assert.is(await answers({ from, proxied: { source: '192.0.2.9', destination } }), 0);
    assert.is(await answers({ from, proxied: { source: '192.0.2.10', destination } }), 1);
    const v6 = { destination: '2001:db8::53' };
    assert.is(await answers({ from, proxied: { source: '2001:db8::9', ...v6 } }), 0);
    assert.is(await answers({ from, proxied: { source: '2001:db8::a', ...v6 } }), 1);
  }
});

test('what a client may send at worst gets no answer, or one, and the next client is served', async () => {
  const whole = encodeQuery({ name: 'nxdomain.example', edns: {} });
  for (let length = 0; length < whole.length; length += 3)
    await exchange(dnsdist, whole.subarray(0, length), { timeout: 5 });
  const label = 'a'.repeat(63);
  for (const name of ['', `${label}.${label}.${label}.${'a'.repeat(61)}`, 'a.'.repeat(126).slice(0, -1)])
    for (const transport of ['udp', 'tcp'] as const)
      assert.ok(await ask(dnsdist, { name, transport }), `${name.slice(0, 10)} ${transport}`);
  assert.is((await ask(dnsdist, { name: 'nxdomain.example' }))?.rcode, 'NXDOMAIN');
});

test.run();
