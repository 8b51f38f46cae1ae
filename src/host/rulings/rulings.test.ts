// SPDX-License-Identifier: MPL-2.0
// The host's end of the socket on which bridges ask: frames, and connections that do as they like.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rulingWire } from '../gen/program.js';
import type { PolicyQuestion, PolicyRuling } from '../plugin.js';
import { RulingsServer } from './server.js';
import { BadFrame, rulingFrame, takeQuestions } from './wire.js';

const name = Buffer.from('\x03www\x07example\x00', 'latin1');

/** A frame as native/shm/tables/TABLES.md has it. */
function frame(number: bigint, address: Buffer = Buffer.alloc(0), asked: Buffer = name): Buffer {
  const head = Buffer.alloc(rulingWire.questionHead);
  head.writeUInt32LE(head.length + address.length + asked.length, 0);
  head.set([1, rulingWire.rulingVersion, address.length, asked.length], 4);
  head.writeBigUInt64LE(number, 8);
  head.writeBigUInt64LE(0xfedcba9876543210n, 16);
  head.writeUInt16LE(4095, 24);
  head.writeUInt16LE(28, 26);
  head.writeUInt32LE(9, 28);
  head.set([0x81, 0x01], 32);
  head[63] = 0x80;
  return Buffer.concat([head, address, asked]);
}

const changed = (bytes: Buffer, at: number, value: number): Buffer => {
  const other = Buffer.from(bytes);
  other[at] = value;
  return other;
};

test('questions are read as they were asked, in whatever pieces they come', () => {
  const client = Buffer.from([192, 0, 2, 7]);
  const all = Buffer.concat([frame(1n), frame(2n, client), frame(3n, Buffer.alloc(16))]);
  for (const piece of [1, 7, 64, all.length]) {
    const asked = [];
    let held: Buffer = Buffer.alloc(0);
    for (let at = 0; at < all.length; at += piece) {
      const taken = takeQuestions(Buffer.concat([held, all.subarray(at, at + piece)]));
      asked.push(...taken.asked);
      held = taken.rest;
    }
    assert.is(held.length, 0);
    assert.equal(
      asked.map(({ number }) => number),
      [1n, 2n, 3n],
    );
    assert.equal(asked[1], {
      number: 2n,
      dropped: 9,
      question: { basis: 0xfedcba9876543210n, roleSet: 4095, type: 28, name, client, lists: [0, 7, 8, 255] },
    });
    assert.is(asked[0]?.question.client, undefined);
  }
});

test('what is no question is refused, and nothing else happens', () => {
  const good = frame(1n, Buffer.from([192, 0, 2, 7]));
  const nameAt = rulingWire.questionHead + 4;
  const wrong = {
    size: changed(good, 0, 64),
    'size beyond all': changed(good, 2, 1),
    kind: changed(good, 4, 2),
    version: changed(good, 5, 9),
    address: changed(good, 6, 5),
    'size of the name': changed(good, 7, name.length - 1),
    'role set': changed(good, 25, 0x10),
    capital: changed(good, nameAt + 1, 0x57),
    label: changed(good, nameAt, 64),
    'label beyond the end': changed(good, nameAt, 60),
    'byte behind the root': changed(good, nameAt + 4, 0),
  };
  for (const [what, bytes] of Object.entries(wrong))
    assert.throws(
      () => takeQuestions(bytes),
      (error: Error) => error instanceof BadFrame,
      what,
    );
  // Always the same changes.
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let i = 0; i < 20_000; i++) {
    let bytes = frame(BigInt(i), Buffer.alloc([0, 4, 16][random(3)] as number));
    for (let changes = random(4); changes > 0; changes--)
      bytes = changed(bytes, random(bytes.length), random(256));
    try {
      for (const { question } of takeQuestions(bytes.subarray(0, random(bytes.length + 1))).asked)
        assert.is(question.name.at(-1), 0);
    } catch (error) {
      assert.ok(error instanceof BadFrame, String(error));
    }
  }
});

test('an answer has its frame, and what none can hold is put off', () => {
  const ruling = rulingFrame(5n, { action: 3, from: 1000.7, until: 2000 });
  assert.is(ruling.length, rulingWire.rulingBytes);
  assert.equal([ruling.readUInt16LE(6), ruling.readBigUInt64LE(8)], [3, 5n]);
  assert.equal([ruling.readBigUInt64LE(16), ruling.readBigUInt64LE(24)], [1000n, 2000n]);
  const long = rulingFrame(5n, { action: 3, from: 1000, until: Number.POSITIVE_INFINITY });
  assert.is(long.readBigUInt64LE(24), BigInt(1000 + rulingWire.maxRulingAge));
  assert.is(rulingFrame(5n, { action: 3, from: 2000, until: 2000 }).readBigUInt64LE(24), 0n);
  assert.is(rulingFrame(5n, { again: 1e9 }).readUInt32LE(32), rulingWire.maxPutOff);
});

const parent = mkdtempSync(join(tmpdir(), 'nnoe-rulings-'));
const directory = join(parent, 'decisions');
const path = join(directory, rulingWire.socket);
const logged: string[] = [];
const outcomes: string[] = [];
let dropped = 0;
let rule: (question: PolicyQuestion) => Promise<PolicyRuling> = async () => ({ again: 10 });
const server = new RulingsServer({
  directory,
  wanted: true,
  log: pino({}, { write: (line: string) => logged.push((JSON.parse(line) as { code: string }).code) }),
  rule: (question) => rule(question),
  observer: {
    question: (outcome) => outcomes.push(outcome),
    dropped: (count) => {
      dropped += count;
    },
    connected: () => undefined,
  },
});
const sockets: Socket[] = [];

async function connect(): Promise<Socket> {
  const socket = createConnection(path);
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function within(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 8000;
  while (!holds() && performance.now() < end) await new Promise((done) => setTimeout(done, 5));
  assert.ok(holds(), what);
}

/** Answers that come, as [number, until]. */
function answersOf(socket: Socket): [bigint, bigint][] {
  const answers: [bigint, bigint][] = [];
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    for (; held.length >= rulingWire.rulingBytes; held = held.subarray(rulingWire.rulingBytes))
      answers.push([held.readBigUInt64LE(8), held.readBigUInt64LE(24)]);
  });
  return answers;
}

test.before(async () => {
  server.start();
  // Whoever reads decisions makes it.
  await new Promise((done) => setTimeout(done, 20));
  mkdirSync(directory, { mode: 0o770 });
  await within('a socket', () => logged.includes('RULINGS_LISTENING'));
});
test.after(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
  rmSync(parent, { recursive: true, force: true });
});

test('a bridge is answered, for its group alone', async () => {
  assert.is(statSync(path).mode & 0o777, 0o660);
  rule = async ({ roleSet }) => ({ action: roleSet === 4095 ? 2 : 0, from: 1000, until: 2000 });
  const bridge = await connect();
  const answers = answersOf(bridge);
  bridge.write(Buffer.concat([frame(1n), frame(2n)]));
  await within('two answers', () => answers.length === 2);
  assert.equal(answers, [
    [1n, 2000n],
    [2n, 2000n],
  ]);
  assert.is(dropped, 18);
  assert.equal(outcomes, ['answered', 'answered']);
  bridge.destroy();
});

test('one that sends what is no question is cut; another, and one that rejects, are not in its way', async () => {
  rule = ({ type }) => (type === 28 ? Promise.reject(new Error('no')) : Promise.resolve({ again: 1 }));
  const [rude, polite] = [await connect(), await connect()];
  const answers = answersOf(polite);
  rude.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await once(rude, 'close');
  assert.ok(logged.includes('RULINGS_CUT'));
  polite.write(frame(3n));
  await within('an answer', () => answers.length === 1);
  assert.equal(answers, [[3n, 0n]]);
});

test('more than may be outstanding is put off at once', async () => {
  let release: (ruling: PolicyRuling) => void = () => undefined;
  const held = new Promise<PolicyRuling>((done) => {
    release = done;
  });
  rule = () => held;
  const bridge = await connect();
  const answers = answersOf(bridge);
  const more = 40;
  for (let i = 0; i < rulingWire.maxOutstanding + more; i++) bridge.write(frame(BigInt(i)));
  await within('those that are too many', () => answers.length === more);
  assert.is(answers[0]?.[0], BigInt(rulingWire.maxOutstanding));
  release({ action: 0, from: 1000, until: 2000 });
  await within('the others', () => answers.length === rulingWire.maxOutstanding + more);
});

test('a socket that was removed is made again', async () => {
  unlinkSync(path);
  await within('another one', () => logged.filter((code) => code === 'RULINGS_LISTENING').length === 2);
  await connect();
  assert.is(server.trouble(), undefined);
});

test.run();
