// SPDX-License-Identifier: MPL-2.0
// limit: 240 s
// A journal that was damaged while Kea was down, with events in it that the host had not read yet. Kea starts
// and answers all the same, says what it found, and what was lost comes back by a walk: snapshots at start
// are off, so it is the gap that causes it.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sameLeases } from '../daemons/lib/exact.js';
import type { KeaOptions } from '../daemons/lib/kea.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { Plane } from '../daemons/lib/plane.js';
import { until } from '../daemons/lib/process.js';
import { crc32c } from './crc32c.js';

const mix = { rate: 300, clients: 120, renews: 80, releases: 90 } as const;

function segments(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.seg'));
  assert.ok(names.length > 0, `segments in ${directory}`);
  return names.sort().map((name) => join(directory, name));
}

const newest = (directory: string): string => segments(directory).at(-1) as string;

/** The store comes to hold what Kea holds; the last difference is told when it does not. */
async function converges(plane: Plane): Promise<void> {
  let last: unknown;
  const probe = async () => {
    try {
      await sameLeases(plane, 4);
      return true;
    } catch (error) {
      last = error;
      return false;
    }
  };
  await until('the store to hold what Kea holds', probe, 30_000, 200).catch((error: Error) => {
    throw new Error(`${error.message}: ${last}`);
  });
}

async function story(damage: (journal: string) => void, says: RegExp, options: Partial<KeaOptions> = {}) {
  const plane = await Plane.start({
    keas: [{ family: 4, threads: 2, hook: { 'snapshot-on-start': false }, ...options }],
  });
  const kea = plane.kea(4);
  await load(kea, { ...mix, seconds: 1 }).finished();
  await plane.drained();
  await plane.host.kill();
  await load(kea, { ...mix, clients: 200, seconds: 1 }).finished();
  await kea.kill();
  damage(kea.at.journal);
  await kea.start();
  await kea.proc?.waitFor(says, { timeout: 5_000 });
  const report = await load(kea, { ...mix, seconds: 1 }).finished();
  assert.is(report.drops, 0, JSON.stringify(report.exchanges));
  await plane.host.start();
  await converges(plane);
  await plane.drained();
  await plane.stop();
}

test('the newest segment is cut off in the middle', () =>
  story((journal) => truncateSync(newest(journal), statSync(newest(journal)).size >> 9), /NNOE/));

test('a segment is empty', () => story((journal) => truncateSync(newest(journal), 0), /NNOE/));

test('bits are flipped all over', () =>
  story((journal) => {
    const content = readFileSync(newest(journal));
    for (let at = 100; at < content.length; at += 997) content[at] = (content[at] as number) ^ 0x10;
    writeFileSync(newest(journal), content);
  }, /NNOE/));

test('one record in the middle is damaged', () =>
  story((journal) => {
    const content = readFileSync(newest(journal));
    const end = content.findLastIndex((byte) => byte !== 0);
    for (let at = end >> 1; at < (end >> 1) + 8; at++) content[at] = ~(content[at] as number) & 255;
    writeFileSync(newest(journal), content);
  }, /NNOE/));

test('it was written by another version', () =>
  story((journal) => {
    const file = join(journal, 'meta');
    const content = readFileSync(file);
    content.writeUInt32LE(99, 8);
    content.writeUInt32LE(crc32c(content.subarray(0, content.length - 4)), content.length - 4);
    writeFileSync(file, content);
  }, /NNOE/));

test('its files are somebody else’s', () =>
  story((journal) => {
    writeFileSync(join(journal, 'meta'), 'This is not a journal.\n');
    for (const file of segments(journal)) writeFileSync(file, 'Nor is this a segment.\n'.repeat(5_000));
    writeFileSync(join(journal, 'notes.txt'), 'mine');
    mkdirSync(join(journal, 'ffffffffffffffff.seg'));
  }, /NNOE/));

test('the directory is gone', () => story((journal) => rmSync(journal, { recursive: true }), /NNOE/));

test('a file stands where the directory should be', async () => {
  const plane = await Plane.start({ keas: [{ family: 4, hook: { 'snapshot-on-start': false } }] });
  const kea = plane.kea(4);
  await load(kea, { ...mix, seconds: 1 }).finished();
  await plane.drained();
  await kea.stop();
  rmSync(kea.at.journal, { recursive: true });
  writeFileSync(kea.at.journal, 'in the way');
  await kea.start();
  await kea.proc?.waitFor(/NNOE\w*UNWRITABLE/);
  assert.is((await load(kea, { ...mix, seconds: 1 }).finished()).drops, 0);
  rmSync(kea.at.journal);
  await kea.proc?.waitFor(/NNOE\w*_WRITABLE/, { timeout: 20_000 });
  await converges(plane);
  await plane.stop();
});

test('Kea may not write there, until it may', async () => {
  // Root is above permissions, so that Kea has to run as somebody else.
  const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const isRoot = process.getuid?.() === 0;
  const { Kea } = await import('../daemons/lib/kea.js');
  const kea = await Kea.create({
    family: 4,
    hook: { 'snapshot-on-start': false },
    ...(isRoot ? { wrap: nobody } : {}),
  });
  chmodSync(join(kea.at.directory, '..'), 0o755);
  // Newer Kea wants the directory of its socket closed to others.
  if (isRoot) chownSync(kea.at.directory, 65534, 65534);
  mkdirSync(kea.at.journal, { mode: 0o755 });
  if (!isRoot) chmodSync(kea.at.journal, 0o500);
  await kea.start();
  await kea.proc?.waitFor(/NNOE\w*UNWRITABLE.*(denied|EACCES)/i);
  assert.is((await load(kea, { ...mix, seconds: 1 }).finished()).drops, 0);
  const status = JSON.stringify(await kea.command('nnoe-status'));
  assert.match(status, /denied/i);
  chmodSync(kea.at.journal, 0o777);
  await kea.proc?.waitFor(/NNOE\w*_WRITABLE/, { timeout: 20_000 });
  await kea.stop();
});

test.run();
