// SPDX-License-Identifier: MPL-2.0
// `make run`: the whole data plane on loopback, with something to see. RUN_SECONDS=n ends it by itself; STORE=etcd
// has the host publish to a real etcd instead of a file of its own.
import { join } from 'node:path';
import { load } from '../test/daemons/lib/perfdhcp.js';
import { tellNothing } from '../test/daemons/lib/process.js';
import { sayLeases } from './run/leases.js';
import { isStoreKind, Plane, type Running, type StoreKind, useWorkspace, workspace } from './run/plane.js';
import { change, changeOfMind, verdicts } from './run/verdicts.js';
import { inventory, suggestions, versions } from './run/words.js';

const say = (text: string): void => console.log(text);

function seconds(): number | undefined {
  const text = process.env.RUN_SECONDS;
  if (text === undefined || text === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  console.error(`RUN_SECONDS wants a number of seconds, not "${text}"`);
  process.exit(2);
}

function storeKind(): StoreKind {
  const kind = process.env.STORE || 'embedded';
  if (isStoreKind(kind)) return kind;
  console.error(`STORE is embedded or etcd, not "${kind}"`);
  process.exit(2);
}

/** A handful of clients: each gets a lease, some renew theirs, some give it back. */
async function someExchanges({ keas }: Running): Promise<void> {
  for (const kea of keas) {
    say(`\nperfdhcp asks kea-dhcp${kea.family} for leases, renews some and releases some:`);
    const mix = { rate: 3, clients: 4, seconds: 3, renews: 1, releases: 2 };
    const report = await load(kea, { ...mix, leases: 'address-and-prefix' }).finished();
    await new Promise((done) => setTimeout(done, 300));
    if (report.drops > 0)
      throw new Error(`kea-dhcp${kea.family} left ${report.drops} of ${report.sent} packets unanswered`);
  }
}

/** Several clients ask for the same names; then one mapping changes. */
async function someQueries({ dnsdist, host }: Running): Promise<void> {
  say('\ndnsdist is asked, by several clients:\n');
  say(await verdicts(dnsdist, join(host.directory, 'tables')));
  const ms = Math.ceil(await changeOfMind(host, dnsdist));
  say(
    `\n${change[0]} became ${change[1]}: ${ms} ms later dnsdist kept 127.0.0.3 from ads.example; then it was put back.`,
  );
}

async function show(running: Running, limit: number | undefined): Promise<void> {
  say(`\nThe data plane runs on loopback (${versions(running)}); its files are below ${workspace()}.\n`);
  say(inventory(running));
  await someExchanges(running);
  await someQueries(running);
  say(
    `\nTry next, in another terminal; leases are printed here as they change:\n\n${suggestions(running)}\n`,
  );
  say(limit === undefined ? 'Ctrl-C stops everything.' : `Everything stops after RUN_SECONDS=${limit}.`);
}

/** Resolves when the user wants it to end; the second time does not wait for anything. */
function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // The test library ends at once on these; here the servers are stopped in order.
      process.removeAllListeners(name);
      process.once(name, () => {
        process.once(name, () => process.exit(130));
        done();
      });
    }
  });
}

async function main(): Promise<number> {
  const limit = seconds();
  const kind = storeKind();
  const stop = interrupted();
  const leave = useWorkspace();
  process.on('exit', leave);
  const plane = new Plane();
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((done) => {
    if (limit !== undefined) timer = setTimeout(done, limit * 1000);
  });
  const work = async () => {
    const running = await plane.start(kind, say);
    const { live, broken } = sayLeases(running.host.socket, say, over.signal);
    const shown = live.then(() => show(running, limit)).then(() => Promise.race([stop, enough]));
    await Promise.race([shown, broken]);
  };
  try {
    await Promise.race([work(), stop, plane.watch()]);
    say('\nstopping');
    return 0;
  } catch (error) {
    console.error(`\n${(error as Error).message}\n${plane.tails()}`);
    tellNothing();
    return 1;
  } finally {
    clearTimeout(timer);
    over.abort();
    await plane.stop();
  }
}

process.exit(await main());
