// SPDX-License-Identifier: MPL-2.0
// The addon against journals that the real producer writes (build/test/journal_tool).
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errors } from './errors.js';
import { decodeGap, decodeLeaseEvent, GapReason, Operation } from './gen/events.js';
import { checked, type JournalReader, native, RecordKind } from './native.js';

const tool =
  process.env.NNOE_JOURNAL_TOOL ??
  fileURLToPath(new URL('../../../build/test/journal_tool', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'nnoe-native-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
let made = 0;
const fresh = () => join(root, String(++made));

function produce(dir: string, ...words: string[]): void {
  execFileSync(tool, ['--dir', dir, '--segment-bytes', '262144', ...words], { stdio: 'pipe' });
}

const bytesOf = (reader: JournalReader, i: number): Buffer =>
  Buffer.from(
    reader.payload.subarray(reader.offsets[i], (reader.offsets[i] ?? 0) + (reader.lengths[i] ?? 0)),
  );

function code(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.instance(error, Error);
    return String((error as Error & { code?: string }).code);
  }
  return 'nothing thrown';
}

test('reads and decodes what the producer wrote, in order, in batches of any size', () => {
  const dir = fresh();
  produce(dir, '--count', '5000');
  const journal = native().openJournal(dir, { capacity: 256, payloadBytes: 64 * 1024 });
  const reader = journal.reader(0);
  assert.is(reader.capacity, 256);
  assert.is(reader.next(1), 1);
  assert.is(reader.kinds[0], RecordKind.Gap);
  assert.is(decodeGap(bytesOf(reader, 0)).reason, GapReason.NEW_JOURNAL);
  const first = reader.position;
  let n = 0;
  for (let got = reader.next(1); got > 0; got = reader.next(1 + (n % 300))) {
    for (let i = 0; i < got; i++) {
      const event = decodeLeaseEvent(bytesOf(reader, i));
      n++;
      assert.is(reader.seqs[i], first + n);
      assert.is(event.observedUs, n);
      assert.is(event.operation, Operation.ASSIGN);
      assert.is(event.hostname.toString(), `host-${n}`);
    }
    assert.is(reader.seqs[got - 1], reader.position);
  }
  assert.is(n, 5000);
  const status = journal.status();
  assert.is(status.head, reader.position);
  assert.is(status.oldest, first);
  assert.match(status.id, /^[0-9a-f]{32}$/);
  assert.is(journal.reader(first + 4990).next(256), 10);
  journal.close();
});

test('cursors are kept over hosts; a second host is refused while there is one', () => {
  const dir = fresh();
  produce(dir, '--count', '10');
  const journal = native().openJournal(dir);
  journal.setCursor('leases', 12345);
  journal.setCursor('audit', 1);
  journal.removeCursor('audit');
  assert.is(
    code(() => native().openJournal(dir)),
    'JOURNAL_BUSY',
  );
  journal.close();
  const next = native().openJournal(dir);
  assert.equal(next.cursors(), [{ name: 'leases', journalId: next.status().id, seq: 12345 }]);
  next.close();
});

test('signals wake the event loop, and only when asked', async () => {
  const dir = fresh();
  produce(dir, '--count', '1');
  const journal = native().openJournal(dir);
  const reader = journal.reader(0);
  let seen = 0;
  const done = new Promise<void>((resolve) => {
    const look = () => {
      for (let got = reader.next(100); got > 0; got = reader.next(100)) seen += got;
      if (seen >= 302) resolve();
      else journal.arm();
      for (let got = reader.next(100); got > 0; got = reader.next(100)) seen += got;
      if (seen >= 302) resolve();
    };
    journal.onSignal(look);
    look();
  });
  const child = spawn(tool, ['--dir', dir, '--count', '300', '--rate', '500'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await done;
  await ended;
  assert.is(seen, 302);
  journal.close();
});

test('refusals carry their code', () => {
  assert.is(
    code(() => native().openJournal('/nonexistent/journal')),
    'JOURNAL_ABSENT',
  );
  const dir = fresh();
  produce(dir, '--count', '1');
  const journal = native().openJournal(dir);
  const reader = journal.reader(0);
  assert.is(
    code(() => journal.setCursor('../escape', 1)),
    'JOURNAL_IO',
  );
  assert.throws(() => journal.setCursor('leases', -1), /sequence number/);
  assert.throws(() => journal.reader(Number.NaN), /sequence number/);
  assert.throws(() => reader.next(0), /limit/);
  assert.throws(() => native().openJournal(dir, { capacity: 0 }), /capacity/);
  journal.close();
  journal.close();
  assert.is(
    code(() => journal.status()),
    'JOURNAL_CLOSED',
  );
  assert.is(
    code(() => journal.arm()),
    'JOURNAL_CLOSED',
  );
  assert.is(
    code(() => journal.reader(0)),
    'JOURNAL_CLOSED',
  );
  assert.is(
    code(() => journal.onSignal(() => undefined)),
    'JOURNAL_CLOSED',
  );
  assert.is(reader.next(10), 2, 'a reader outlives its journal');
  reader.close();
  reader.close();
  assert.is(
    code(() => reader.next(1)),
    'JOURNAL_CLOSED',
  );
  assert.is(reader.payload.length > 0, true, 'the last batch stays readable');
});

test('garbage collection without close is safe, and so are buffers that JavaScript takes away', () => {
  const dir = fresh();
  produce(dir, '--count', '3');
  const script = `
    const { openJournal } = require(process.argv[1]);
    for (let i = 0; i < 50; i++) {
      const journal = openJournal(process.argv[2]);
      const reader = journal.reader(0);
      reader.next(2);
      if (i % 3 === 0) structuredClone(reader.payload.buffer, { transfer: [reader.payload.buffer] });
      if (reader.next(10) !== 2) throw new Error('records');
      if (i % 2 === 0) journal.onSignal(() => undefined);
      journal.close();
      globalThis.gc();
    }
    const left = openJournal(process.argv[2]);
    left.reader(0).next(4);
    left.onSignal(() => process.exit(0));
    left.arm();
    globalThis.gc();
    console.log('ready');`;
  const addon =
    process.env.NNOE_NATIVE ??
    fileURLToPath(new URL('../../../build/Release/nnoe_native.node', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', '-e', script, addon, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const late = setTimeout(() => child.kill(), 20_000);
  // A new producer signals: the child leaves with 0 then.
  child.stdout.once('data', () => produce(dir, '--count', '1'));
  return new Promise<void>((resolve) =>
    child.on('exit', (status) => {
      clearTimeout(late);
      assert.is(status, 0);
      resolve();
    }),
  );
});

test('an addon of another release is refused, by what it differs in', () => {
  const addon = native();
  const like = { ...addon, recordKinds: { ...addon.recordKinds } };
  assert.is(checked(like), like);
  for (const [other, what] of [
    [{ abi: 1 }, 'its interface is 1'],
    [{ layoutVersion: 99 }, 'its journal format is 99'],
    [{ layoutVersion: undefined }, 'its journal format is missing'],
    [{ recordKinds: { ...addon.recordKinds, Gap: 4, WalkBegin: 3 } }, 'its list of record kinds'],
    [{ recordKinds: { ...addon.recordKinds, More: 6 } }, 'its list of record kinds'],
  ] as const)
    assert.throws(
      () => checked({ ...like, ...other } as unknown as typeof addon),
      (error: Error & { code?: string }) => error.code === 'NATIVE_MISMATCH' && error.message.includes(what),
    );
});

test('every code that the addon throws has its row', () => {
  const source = readFileSync(
    fileURLToPath(new URL('../../../native/addon/journal.cc', import.meta.url)),
    'utf8',
  );
  const header = readFileSync(
    fileURLToPath(new URL('../../../native/addon/errors.h', import.meta.url)),
    'utf8',
  );
  const codes = [...(source + header).matchAll(/"([A-Z]+_[A-Z]+)"/g)].map((match) => match[1] ?? '');
  assert.ok(codes.length >= 7);
  assert.equal(
    codes.filter((each) => !(each in errors)),
    [],
  );
});

test.run();
