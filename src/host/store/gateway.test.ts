// SPDX-License-Identifier: MPL-2.0
// The gateway's JSON against gRPC's bytes: protobufjs turns one into the other by the .proto files that npm etcd3
// ships, and both of our codecs have to read and write the same.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { classify } from './etcd-errors.js';
import { grpcProtocol } from './etcd-grpc.js';
import { type Call, prefixEnd } from './etcd-protocol.js';
import { encodeWatch as encodeWatchBytes } from './etcd-wire.js';
import { gatewayProtocol } from './gateway.js';
import { decodeWatch, encodeWatch, refusal } from './gateway-json.js';
import { Lines } from './gateway-lines.js';

const protos = join(dirname(createRequire(import.meta.url).resolve('etcd3')), '..', 'proto');
const root = new protobuf.Root().loadSync(join(protos, 'rpc.proto'), { keepCase: true });
const type = (name: string) => root.lookupType(`etcdserverpb.${name}`);

/** As the gateway writes it: 64-bit numbers as text, bytes in base64, nothing that is empty. */
const asJson = (name: string, bytes: Uint8Array) =>
  type(name).toObject(type(name).decode(bytes), { longs: String, enums: String, bytes: String });
const code = (error: unknown) => (error as { code?: unknown }).code;
const text = (value: unknown) => Buffer.from(JSON.stringify(value));

function sameRequest(name: string, bytes: Buffer, json: Buffer): void {
  // Enums by name in both: protobufjs' names for them are its own.
  const upper = JSON.parse(json.toString().replace('"target":"MOD"', '"target":"Mod"'));
  assert.equal(asJson(name, type(name).encode(type(name).fromObject(upper)).finish()), asJson(name, bytes));
}

function sameReply<R>(
  name: string,
  message: object,
  bytes: Call<R>,
  json: Call<R>,
  hide: (reply: R) => unknown,
) {
  const wire = Buffer.from(type(name).encode(type(name).fromObject(message)).finish());
  assert.equal(hide(json.read(text(asJson(name, wire)))), hide(bytes.read(wire)));
}

const kv = {
  key: Buffer.from('/k/größe').toString('base64'),
  value: Buffer.from([0, 255, 10]).toString('base64'),
  create_revision: '3',
  mod_revision: String(2 ** 45),
};
const header = { cluster_id: '14841639068965178418', revision: String(2 ** 50), raft_term: '2' };
/** A cluster's number is kept as each protocol writes it. */
const less = <R extends { header: { cluster: string; revision: number } }>({ header: h, ...rest }: R) => ({
  revision: h.revision,
  known: h.cluster !== '',
  ...rest,
});

test('requests are the same as over gRPC', () => {
  const compare = [
    { key: '/k/größe', modRevision: 0 },
    { key: '/b', modRevision: 2 ** 53 - 1 },
  ];
  const operations = [
    { put: '/k/größe', value: 'wért "x"' },
    { delete: '/d' },
    { put: 'z', value: Buffer.alloc(200, 1), lease: 2 ** 48 - 1 },
  ];
  const both = [grpcProtocol, gatewayProtocol] as const;
  const [bytes, json] = both.map((each) => each.txn(compare, operations).body) as [Buffer, Buffer];
  sameRequest('TxnRequest', bytes, Buffer.from(json.toString().replaceAll('"MOD"', '"Mod"')));
  const end = prefixEnd('/a/');
  for (const query of [
    { key: '/k' },
    { key: '/a/', end, limit: 1000, revision: 2 ** 40 },
    { key: '/a/', end, keysOnly: true, changedSince: 300, limit: 1 },
    { key: '/a/', countOnly: true },
  ])
    sameRequest('RangeRequest', grpcProtocol.range(query).body, gatewayProtocol.range(query).body);
  const watch = { key: Buffer.from('/a/'), end, revision: 300 };
  sameRequest('WatchRequest', encodeWatchBytes(watch), encodeWatch(watch));
  sameRequest('TxnRequest', grpcProtocol.reads(['/a', 'ö']).body, gatewayProtocol.reads(['/a', 'ö']).body);
  const grant = { id: 2 ** 48 - 1, ttl: 300 };
  sameRequest('LeaseGrantRequest', grpcProtocol.grant(grant).body, gatewayProtocol.grant(grant).body);
  sameRequest('AuthenticateRequest', grpcProtocol.login('ü', '"').body, gatewayProtocol.login('ü', '"').body);
});

test('replies are the same as over gRPC', () => {
  const range = [grpcProtocol.range({ key: '' }), gatewayProtocol.range({ key: '' })] as const;
  sameReply(
    'RangeResponse',
    { header, kvs: [kv, { ...kv, value: '' }], more: true, count: '9' },
    ...range,
    less,
  );
  sameReply('RangeResponse', { header }, ...range, less);
  const txn = [grpcProtocol.txn([], []), gatewayProtocol.txn([], [])] as const;
  const responses = [
    { response_put: { header } },
    { response_range: { header, kvs: [kv], count: '1' } },
    { response_delete_range: { header, deleted: '1' } },
    { response_range: { header } },
  ];
  sameReply('TxnResponse', { header, succeeded: true, responses }, ...txn, less);
  const one = { id: 1, ttl: 1 };
  const grant = [grpcProtocol.grant(one), gatewayProtocol.grant(one)] as const;
  sameReply('LeaseGrantResponse', { header, ID: '7587899061836761865', TTL: '5' }, ...grant, less);
  const login = [grpcProtocol.login('', ''), gatewayProtocol.login('', '')] as const;
  sameReply('AuthenticateResponse', { header, token: 'abc.12' }, ...login, (reply) => reply);
});

test('messages of a watch', () => {
  const reply = decodeWatch(
    text({
      result: { header, events: [{ kv }, { type: 'DELETE', kv: { key: kv.key, mod_revision: '5' } }] },
    }),
  );
  assert.equal(
    reply.events.map(({ deleted, entry }) => [deleted, entry.key, entry.modRevision]),
    [
      [false, '/k/größe', 2 ** 45],
      [true, '/k/größe', 5],
    ],
  );
  const canceled = decodeWatch(
    text({ result: { header, canceled: true, compact_revision: '77', cancel_reason: 'why' } }),
  );
  assert.equal([canceled.canceled, canceled.compactRevision, canceled.reason], [true, 77, 'why']);
  const failure = { error: { grpc_code: 14, http_code: 503, message: 'etcdserver: no leader' } };
  try {
    decodeWatch(text(failure));
    assert.unreachable();
  } catch (error) {
    assert.is(classify(error, { endpoint: 'x', seconds: 1 }).code, 'STORE_NO_LEADER');
  }
});

test('what is not an answer of etcd is refused', () => {
  const { read } = gatewayProtocol.range({ key: '' });
  const answers: [unknown, string][] = [
    [{ header: { revision: '9007199254740993' } }, 'STORE_REVISION'],
    [{ header: { revision: 'many' } }, 'STORE_PROTOCOL'],
    [{ header: { revision: '-1' } }, 'STORE_PROTOCOL'],
    [{ kvs: 'text' }, 'STORE_PROTOCOL'],
    ['text', 'STORE_PROTOCOL'],
    [null, 'STORE_PROTOCOL'],
  ];
  for (const [answer, expected] of answers)
    assert.throws(
      () => read(text(answer)),
      (error: unknown) => code(error) === expected,
    );
  const whole = text({ header, kvs: [kv], count: '1' });
  for (let length = 0; length < whole.length; length++)
    assert.throws(
      () => read(whole.subarray(0, length)),
      (error: unknown) => code(error) === 'STORE_PROTOCOL',
    );
});

test('what a status other than 200 means', () => {
  const means = (status: number, body: string) =>
    classify(refusal(status, '/v3/kv/txn', Buffer.from(body)), { endpoint: 'x', seconds: 1 }).code;
  assert.is(means(401, '{"error":"etcdserver: invalid auth token","code":16}'), 'STORE_TOKEN');
  assert.is(
    means(400, '{"message":"etcdserver: duplicate key given in txn request","code":3}'),
    'STORE_INVALID',
  );
  assert.is(means(429, '{"error":"etcdserver: mvcc: database space exceeded","code":8}'), 'STORE_NO_SPACE');
  assert.is(means(502, '<html>'), 'STORE_UNREACHABLE');
  assert.is(means(404, '404 page not found'), 'STORE_PROTOCOL');
});

test('lines, however they are cut', () => {
  const whole = Buffer.from('{"a":1}\n\n{"b":"größe"}\n{"c":3}\n{"rest"');
  for (let size = 1; size <= whole.length; size++) {
    const lines: string[] = [];
    const reader = new Lines((line) => lines.push(line.toString()));
    for (let at = 0; at < whole.length; at += size) reader.push(whole.subarray(at, at + size));
    assert.equal(lines, ['{"a":1}', '{"b":"größe"}', '{"c":3}'], `pieces of ${size}`);
  }
});

test.run();
