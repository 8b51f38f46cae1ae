// SPDX-License-Identifier: MPL-2.0
// Holes, walks and walks owed, in real journals.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanUp, keeper, type Stage, stage, temporary, until } from '../../../test/lib/host-stage.js';
import { JournalScript } from '../../../test/lib/journal-script.js';

test.after(cleanUp);

const owedFile = (directory: string) => join(directory, 'cursors', 'walk.owed');
const owed = ({ host }: Stage) => host.health().sources.dhcp4?.walkOwedAfter;
const lag = ({ host }: Stage) => host.health().sources.dhcp4?.consumers[0]?.lag;

/** A journal whose first walk is behind a consumer that replays. */
async function settled(directory: string, script: JournalScript, name = 'replays'): Promise<void> {
  const first = keeper(name, { onGap: 'replay' });
  await script.walk(1, 2);
  const one = await stage({ journals: { dhcp4: directory }, keepers: [first] });
  await until(() => first.others().includes('walk-end complete') && lag(one) === 0);
  assert.is(owed(one), undefined, 'the walk in the journal is what a new consumer is owed');
  assert.is(script.walks, 0, 'and nobody asked for another');
  await one.host.stop();
}

test('a new consumer that replays is owed a walk; asked for once when there is none', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  const both = [keeper('a', { onGap: 'replay' }), keeper('b', { onGap: 'replay' })];
  const indifferent = keeper('c');
  const started = await stage({ journals: { dhcp4: directory }, keepers: [...both, indifferent] });
  await until(() => script.walks > 0, 8000);
  assert.ok(existsSync(owedFile(directory)));
  await script.walk(1, 2, 3);
  await until(() => owed(started) === undefined);
  assert.not.ok(existsSync(owedFile(directory)));
  await until(() => both.every((each) => each.others().includes('walk-end complete')));
  await wait(200);
  assert.is(script.walks, 1);
  await started.host.stop();
  await script.end();
});

test('a plugin that ignores gaps is owed nothing', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  const ignores = keeper('ignores');
  const started = await stage({ journals: { dhcp4: directory }, keepers: [ignores] });
  script.gap({ reason: 2, count: 7 });
  await until(() => ignores.others().includes('gap OVERRUN'));
  assert.is(owed(started), undefined);
  await started.host.stop();
  await script.end();
});

test('a hole found by the reader has a walk asked for, which is not forgotten over a kill', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  // Ends without the walk: as if the host were killed between the cursor and the walk.
  const second = keeper('replays', { onGap: 'replay' });
  const gapAt = await script.gap({ reason: 3, count: 1 }).head();
  const two = await stage({ journals: { dhcp4: directory }, keepers: [second] });
  await until(() => script.walks === 1);
  assert.is(owed(two), gapAt);
  await until(() => lag(two) === 0);
  await two.host.stop();
  const third = keeper('replays', { onGap: 'replay' });
  const three = await stage({ journals: { dhcp4: directory }, keepers: [third] });
  await until(() => owed(three) === gapAt && script.walks === 2);
  const id = await script.walk(7);
  assert.ok(id > gapAt);
  await until(() => owed(three) === undefined);
  assert.equal(third.others(), ['walk-begin', 'snapshot', 'walk-end complete']);
  await three.host.stop();
  await script.end();
});

test('a walk that began before the hole, or shows one subnet, or was cut short, pays nothing', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  const kept = keeper('replays', { onGap: 'replay' });
  const early = await script.walkBegin().head();
  const gapAt = await script.snapshot(1).gap({ reason: 3, count: 1 }).head();
  await script.walkEnd({ id: early, leases: 1 }).head();
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await until(() => lag(started) === 0);
  assert.equal(kept.others(), ['walk-begin', 'snapshot', 'gap DAMAGED', 'walk-end incomplete']);
  const after = owed(started) ?? 0;
  assert.ok(after >= gapAt);
  const subnet = await script.walkBegin({ subnetId: 5 }).head();
  await script.walkEnd({ id: subnet, subnetId: 5 }).head();
  const short = await script.walkBegin().head();
  await script.walkEnd({ id: short, complete: false }).head();
  await until(() => lag(started) === 0);
  assert.is(owed(started), after);
  await script.walk(1);
  await until(() => owed(started) === undefined);
  await started.host.stop();
  await script.end();
});

test('a plugin that starts again in the middle of a walk does not take its end for complete', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  const bad = keeper('replays', { onGap: 'replay', batch: 1 });
  let failed = false;
  bad.work = ({ records }) => {
    if (failed || records[0]?.kind !== 'snapshot') return;
    failed = true;
    throw new Error('in the middle');
  };
  await script.walk(1, 2, 3);
  const started = await stage({ journals: { dhcp4: directory }, keepers: [bad] });
  await until(() => lag(started) === 0);
  assert.equal(bad.others().slice(-2), ['snapshot', 'walk-end incomplete']);
  await until(() => script.walks === 1);
  await script.walk(1, 2, 3);
  await until(() => owed(started) === undefined && bad.others().at(-1) === 'walk-end complete');
  await started.host.stop();
  await script.end();
});

test('after a hole that the hook made, the hook walks; the host asks only when it does not', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  const kept = keeper('replays', { onGap: 'replay' });
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await script.gap({ reason: 4, count: 3 }).head();
  await until(() => owed(started) !== undefined);
  await wait(1000);
  assert.is(script.walks, 0);
  await script.walk(1);
  await until(() => owed(started) === undefined);
  await script.gap({ reason: 4, count: 3 }).head();
  await until(() => script.walks === 1, 8000);
  await started.host.stop();
  await script.end();
});

test('an overrun is a hole with a walk after it, and delivery goes on', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory, 65_536, 262_144);
  await settled(directory, script);
  await script.leases(1, 20_000).head();
  const kept = keeper('replays', { onGap: 'replay' });
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await until(() => lag(started) === 0 && kept.records.length > 0);
  assert.equal(kept.others(), ['gap OVERRUN']);
  const gap = kept.records[0];
  assert.ok(gap?.kind === 'gap' && gap.count > 1000);
  const numbers = kept.numbers();
  assert.is(numbers.at(-1), 20_000);
  assert.is(numbers.length, 20_001 - (numbers[0] ?? 0), 'none is missing after the hole');
  await until(() => script.walks === 1);
  await started.host.stop();
  await script.end();
});

test('a record that is no message is a hole, not an end', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  const kept = keeper('replays', { onGap: 'replay' });
  await script
    .lease(1)
    .raw(1, Buffer.from([0xff, 0xff]))
    .raw(99, Buffer.from('?'))
    .lease(2)
    .head();
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await until(() => kept.numbers().length === 2);
  assert.equal(kept.others(), ['gap UNDECODABLE', 'gap UNDECODABLE']);
  await until(() => script.walks === 1);
  await started.host.stop();
  await script.end();
});

test('a plugin can ask for a walk', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  const kept = keeper('replays', { onGap: 'replay' });
  let ask: (source?: string) => void = () => undefined;
  const { setup } = kept.plugin;
  kept.plugin.setup = (ctx) => {
    ask = ctx.requestWalk;
    return setup(ctx);
  };
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await until(() => started.host.health().state === 'ok');
  ask('other');
  assert.is(owed(started), undefined);
  ask('dhcp4');
  await until(() => script.walks === 1);
  assert.ok(owed(started) !== undefined);
  await started.host.stop();
  await script.end();
});

test('a host that is there first waits for the journal', async () => {
  const directory = join(temporary(), 'later');
  const kept = keeper('kept');
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await wait(200);
  assert.is(started.host.health().state, 'starting');
  assert.is(started.host.health().sources.dhcp4?.code, 'JOURNAL_ABSENT');
  assert.is(started.host.health().plugins.kept?.state, 'ok');
  const script = await JournalScript.start(directory);
  script.leases(1, 3);
  await until(() => kept.numbers().length === 3);
  assert.is(started.host.health().state, 'ok');
  await started.host.stop();
  await script.end();
});

test('a journal that was removed and made anew is attached to, with a hole told', async () => {
  const directory = join(temporary(), 'journal');
  const script = await JournalScript.start(directory);
  const kept = keeper('kept', { onGap: 'replay' });
  await script.leases(1, 3).head();
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await until(() => kept.numbers().length === 3);
  await script.end();
  rmSync(directory, { recursive: true });
  const again = await JournalScript.start(directory);
  again.leases(4, 6);
  await until(() => kept.numbers().length === 6, 10_000);
  assert.ok(started.codes.includes('SOURCE_LOST'));
  assert.equal(kept.others().slice(-2), ['gap NEW_JOURNAL', 'gap NEW_JOURNAL'], 'the host’s and its own');
  assert.is(kept.lives, 1, 'the plugin goes on living');
  await started.host.stop();
  await again.end();
});

test('cursors of another journal are recognised; those of nobody are removed', async () => {
  const directory = join(temporary(), 'journal');
  const old = await JournalScript.start(directory);
  const first = keeper('kept');
  await old.leases(1, 3).head();
  const one = await stage({ journals: { dhcp4: directory }, keepers: [first, keeper('gone')] });
  await until(() => first.numbers().length === 3);
  await one.host.stop();
  await old.end();
  // The journal is made anew, but the cursors stay.
  renameSync(join(directory, 'cursors'), `${directory}.cursors`);
  rmSync(directory, { recursive: true });
  await (await JournalScript.start(directory)).end();
  rmSync(join(directory, 'cursors'), { recursive: true, force: true });
  renameSync(`${directory}.cursors`, join(directory, 'cursors'));
  const fresh = await JournalScript.start(directory);
  await fresh.leases(4, 6).head();
  const second = keeper('kept');
  const two = await stage({ journals: { dhcp4: directory }, keepers: [second] });
  await until(() => second.numbers().length === 3);
  assert.equal(second.numbers(), [4, 5, 6]);
  assert.is(second.others()[0], 'gap NEW_JOURNAL');
  assert.ok(two.codes.includes('SOURCE_CURSOR_DROPPED'));
  assert.equal(
    two.host.health().sources.dhcp4?.consumers.map((each) => each.consumer),
    ['kept'],
  );
  await two.host.stop();
  await fresh.end();
});

test('a debt of another journal, or one that is damaged, is not taken over', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  for (const text of [`${'0'.repeat(32)} 5\n`, 'rubbish', '']) {
    writeFileSync(owedFile(directory), text);
    const kept = keeper('replays', { onGap: 'replay' });
    const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
    await until(() => lag(started) === 0);
    assert.is(owed(started), undefined, JSON.stringify(text));
    assert.not.ok(existsSync(owedFile(directory)));
    await started.host.stop();
  }
  await script.end();
});

test('the debt is on disk before the cursor passes what caused it', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  await settled(directory, script);
  const kept = keeper('replays', { onGap: 'replay' });
  let seen = '';
  kept.work = ({ records }) => {
    if (records.some((record) => record.kind === 'gap')) seen = readFileSync(owedFile(directory), 'utf8');
  };
  const at = await script.gap({ reason: 2, count: 1 }).head();
  const started = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  await until(() => seen !== '');
  assert.match(seen, new RegExp(`^[0-9a-f]{32} ${at}\n$`));
  await started.host.stop();
  await script.end();
});

test('a second host on the same journal is refused', async () => {
  const directory = temporary();
  const script = await JournalScript.start(directory);
  const kept = keeper('kept');
  const one = await stage({ journals: { dhcp4: directory }, keepers: [kept] });
  const two = await stage({ journals: { dhcp4: directory }, keepers: [keeper('kept')] });
  assert.equal(
    two.fatal.map((error) => error.code),
    ['JOURNAL_BUSY'],
  );
  assert.match(two.fatal[0]?.message ?? '', directory);
  await two.host.stop();
  script.lease(1);
  await until(() => kept.numbers().length === 1);
  await one.host.stop();
  await script.end();
});

test.run();
