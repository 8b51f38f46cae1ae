// SPDX-License-Identifier: MPL-2.0
// Our codec against the .proto files that npm etcd3 ships, read by protobufjs.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeHeader, decodeLogin, decodeRange, decodeTxn, decodeWatch } from './etcd-decode.js';
import { prefixEnd } from './etcd-protocol.js';
import { encodeGrant, encodeLogin, encodeRange, encodeReads, encodeTxn, encodeWatch } from './etcd-wire.js';

const protos = join(dirname(createRequire(import.meta.url).resolve('etcd3')), '..', 'proto');
const root = new protobuf.Root().loadSync(join(protos, 'rpc.proto'), { keepCase: true });
const type = (name: string) => root.lookupType(`etcdserverpb.${name}`);
const read = (name: string, bytes: Buffer) =>
  type(name).toObject(type(name).decode(bytes), {
    longs: Number,
    enums: String,
    bytes: String,
    arrays: true,
  });
const write = (name: string, message: object) =>
  Buffer.from(type(name).encode(type(name).fromObject(message)).finish());
const b64 = (text: string) => Buffer.from(text).toString('base64');

test('a transaction', () => {
  const large = 2 ** 53 - 1;
  const bytes = encodeTxn(
    [
      { key: '/k/größe', modRevision: 0 },
      { key: 'x'.repeat(300), modRevision: large },
    ],
    [
      { put: '/k/größe', value: 'wért' },
      { delete: '/d' },
      { put: 'z', value: Buffer.alloc(200, 1), lease: 2 ** 40 + 5 },
    ],
  );
  assert.equal(read('TxnRequest', bytes), {
    compare: [
      { target: 'Mod', key: b64('/k/größe'), mod_revision: 0 },
      { target: 'Mod', key: b64('x'.repeat(300)), mod_revision: large },
    ],
    success: [
      { request_put: { key: b64('/k/größe'), value: b64('wért') } },
      { request_delete_range: { key: b64('/d') } },
      { request_put: { key: b64('z'), value: Buffer.alloc(200, 1).toString('base64'), lease: 2 ** 40 + 5 } },
    ],
    failure: [],
  });
});

test('a transaction whose puts have leases', () => {
  const lease = 2 ** 48 - 1;
  const operations = [{ put: 'a', value: '1', ttl: 2, lease }, { delete: 'b' }, { put: 'c', value: '3' }];
  const { success } = read('TxnRequest', encodeTxn([], operations));
  assert.equal(success, [
    { request_put: { key: b64('a'), value: b64('1'), lease } },
    { request_delete_range: { key: b64('b') } },
    { request_put: { key: b64('c'), value: b64('3') } },
  ]);
});

test('reads, ranges and watches', () => {
  assert.equal(read('TxnRequest', encodeReads(['/a', 'ö'])).success, [
    { request_range: { key: b64('/a') } },
    { request_range: { key: b64('ö') } },
  ]);
  const end = prefixEnd('/a/');
  assert.equal(
    read('RangeRequest', encodeRange({ key: '/a/', end, limit: 1000, revision: 2 ** 40, countOnly: true })),
    {
      key: b64('/a/'),
      range_end: b64('/a0'),
      limit: 1000,
      revision: 2 ** 40,
      count_only: true,
    },
  );
  assert.equal(read('RangeRequest', encodeRange({ key: '/a/', keysOnly: true, changedSince: 300 })), {
    key: b64('/a/'),
    keys_only: true,
    min_mod_revision: 300,
  });
  assert.equal(read('WatchRequest', encodeWatch({ key: Buffer.from('/a/'), end, revision: 300 })), {
    create_request: {
      ...{ key: b64('/a/'), range_end: b64('/a0'), start_revision: 300, progress_notify: true, filters: [] },
    },
  });
});

test('leases and logins', () => {
  assert.equal(read('LeaseGrantRequest', encodeGrant({ id: 2 ** 48, ttl: 300 })), { TTL: 300, ID: 2 ** 48 });
  assert.equal(read('AuthenticateRequest', encodeLogin('ü', 'geheim')), { name: 'ü', password: 'geheim' });
  // An id of a lease may be beyond what a number holds; it is passed over.
  const granted = write('LeaseGrantResponse', { header, ID: '7587899061836761865', TTL: 300 });
  assert.is(decodeHeader(granted).header.revision, 2 ** 50);
  assert.is(decodeLogin(write('AuthenticateResponse', { header, token: 'abc.12' })).token, 'abc.12');
});

const header = {
  cluster_id: '14841639068965178418',
  member_id: '10276657743932975437',
  revision: 2 ** 50,
  raft_term: 2,
};
const kv = {
  key: b64('/k'),
  create_revision: 3,
  mod_revision: 2 ** 45,
  version: 2,
  value: b64('v'),
  lease: 7,
};

test('replies to ranges and transactions', () => {
  const range = decodeRange(
    write('RangeResponse', { header, kvs: [kv, { ...kv, value: '' }], more: true, count: 9 }),
  );
  assert.is(range.header.revision, 2 ** 50);
  assert.is(range.header.cluster.length, 10);
  assert.ok(range.more);
  assert.is(range.count, 9);
  assert.equal(range.entries[0], {
    key: '/k',
    value: Buffer.from('v'),
    createRevision: 3,
    modRevision: 2 ** 45,
  });
  assert.is(range.entries[1]?.value.length, 0);
  const txn = decodeTxn(
    write('TxnResponse', {
      header,
      succeeded: true,
      responses: [
        { response_put: { header } },
        { response_range: { header, kvs: [kv], count: 1 } },
        { response_delete_range: { header, deleted: 1 } },
        { response_range: { header } },
      ],
    }),
  );
  assert.ok(txn.succeeded);
  assert.equal(
    txn.ranges.map((entries) => entries.map(({ key }) => key)),
    [['/k'], []],
  );
});

test('replies to watches', () => {
  const reply = decodeWatch(
    write('WatchResponse', {
      header,
      watch_id: -1,
      created: true,
      canceled: true,
      compact_revision: 77,
      cancel_reason: 'why',
      events: [
        { type: 0, kv, prev_kv: kv },
        { type: 1, kv: { key: b64('/gone'), mod_revision: 5 } },
      ],
    }),
  );
  assert.ok(reply.created && reply.canceled);
  assert.is(reply.compactRevision, 77);
  assert.is(reply.reason, 'why');
  assert.equal(
    reply.events.map(({ deleted, entry }) => [deleted, entry.key, entry.modRevision]),
    [
      [false, '/k', 2 ** 45],
      [true, '/gone', 5],
    ],
  );
});

test('a revision that a number cannot hold fails instead of being rounded', () => {
  const beyond = write('RangeResponse', { header: { ...header, revision: '9007199254740993' } });
  assert.throws(
    () => decodeRange(beyond),
    (error: { code?: string }) => error.code === 'STORE_REVISION',
  );
});

test('a reply cut short anywhere is refused or read as less, never beyond its end', () => {
  const whole = write('RangeResponse', { header, kvs: [kv], more: true, count: 1 });
  for (let length = 0; length < whole.length; length++) {
    try {
      decodeRange(whole.subarray(0, length));
    } catch (error) {
      assert.is((error as { code?: string }).code, 'STORE_PROTOCOL');
    }
  }
});

test('the end of a prefix', () => {
  assert.equal(prefixEnd('/a'), Buffer.from('/b'));
  assert.equal(prefixEnd(''), Buffer.from([0]));
});

test.run();
