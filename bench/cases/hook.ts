// SPDX-License-Identifier: MPL-2.0
// What the hook costs Kea for one lease: instructions of a whole kea-dhcp4 under callgrind without a hook, with one
// that does nothing, with Kea's own that runs a script and with ours; and how many events a second the last two give.
import { ofFunction, ofObject } from '../lib/callgrind.js';
import type { BenchCase, CaseOptions, Measured } from '../lib/figures.js';
import { type Cost, cost, costOfScript, LENGTHS, type Run, SCRIPTS, type Variant } from '../lib/hook-cost.js';
import { hookRates, SECONDS, STEADY } from '../lib/hook-rate.js';
import { median, summary } from '../lib/stats.js';

const OURS = 'libdhcp_etcd.so';
const CALLOUT = /^leases4_committed/;

const variants: readonly Variant[] = ['none', 'empty', 'script', 'ours'];

/** Instructions of our own code for one lease. */
export async function perLease(run: Run): Promise<number> {
  return (await cost('ours', run))((profile) => ofObject(profile, OURS));
}

async function measure(options: CaseOptions): Promise<Record<string, Measured>> {
  const costs = {} as Record<Variant, Cost>;
  for (const variant of variants) {
    options.say(`hook: ${variant}, ${LENGTHS[variant].join(' and ')} exchanges`);
    costs[variant] = await cost(variant);
  }
  const total = (variant: Variant) => costs[variant]((profile) => profile.total);
  const above = total('ours') - total('none');
  const script = await costOfScript(options);
  const { events, processor } = await hookRates(options);
  const beside = (name: string, value: number) => ({ alternative: { name, value } });
  return {
    'own instructions': { value: costs.ours((profile) => ofObject(profile, OURS)) },
    'callout, all it calls included': { value: costs.ours((profile) => ofFunction(profile, CALLOUT)) },
    'above no hook at all': {
      value: above,
      ...beside('empty hook library', total('empty') - total('none')),
    },
    'above no hook, beside run_script': {
      value: above,
      ...beside("run_script, Kea's own part", total('script') - total('none')),
    },
    'the script itself': { value: script },
    'exchange without a hook': { value: total('none') },
    events: { ...summary(events.ours), ...beside('run_script', median(events.script)) },
    'processor time': { ...summary(processor.ours), ...beside('run_script', median(processor.script)) },
  };
}

const [SHORT, LONG] = LENGTHS.ours;
const difference = `callgrind on kea-dhcp4, one thread, four-way exchanges by perfdhcp, (${LONG} less ${SHORT}) / ${LONG - SHORT}`;
const runScript =
  'libdhcp_run_script.so with sync = false and a script for /bin/sh that appends address and hardware address to a file';
const alike = 'every lease that Kea wrote was told by both';

const hook: BenchCase = {
  summary: 'what the hook costs Kea for one committed lease',
  figures: [
    {
      name: 'own instructions',
      unit: 'instructions/lease',
      bound: { relation: '<=', value: 1_500 },
      method: `${difference}; self cost of all code in ${OURS}, its own thread included`,
    },
    {
      name: 'callout, all it calls included',
      unit: 'instructions/lease',
      method: `${difference}; inclusive cost of leases4_committed: libc, libstdc++ and Kea's accessors too`,
    },
    {
      name: 'above no hook at all',
      unit: 'instructions/exchange',
      alternative: true,
      bound: { relation: '<=', value: 30_000 },
      method: `${difference}; whole process with the hook less whole process without; Kea's dispatch included`,
    },
    {
      name: 'above no hook, beside run_script',
      unit: 'instructions/exchange',
      alternative: true,
      method: `the same beside ${runScript}, (${LENGTHS.script[1]} less ${LENGTHS.script[0]}) exchanges; user space of Kea's own process alone: neither the kernel's fork nor the child; ${alike}`,
    },
    {
      name: 'the script itself',
      unit: 'instructions/lease',
      method: `callgrind on the children of Kea with ${runScript}, mean of ${SCRIPTS}; from exec to exit, user space; ours has none of it`,
    },
    { name: 'exchange without a hook', unit: 'instructions/exchange', method: difference },
    {
      name: 'events',
      unit: 'events/s',
      alternative: true,
      method: `wall clock: at a reader that decodes the journal, beside lines in the file of ${runScript}; perfdhcp as fast as it goes on the same machine, one thread of Kea, ${SECONDS} s, median of alternating rounds; ${alike}`,
    },
    {
      name: 'processor time',
      unit: 'us/exchange',
      alternative: true,
      method: `of Kea and all that it started, system time included, ${STEADY.exchanges} exchanges at ${STEADY.rate}/s, medians; the exchange itself is in both; ${alike}`,
    },
  ],
  brief: { pairs: 1 },
  run: measure,
};

export default hook;
