// SPDX-License-Identifier: MPL-2.0
// `nnoe store`: keys of the store in use, through the host, whichever store that is.
import { buffer } from 'node:stream/consumers';
import {
  routes,
  type StoreDeleted,
  type StoreEntry,
  type StoreListing,
  type StorePut,
} from '../../host/control/api.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import { exitStatus } from '../exit-status.js';
import type { Io } from '../io.js';
import { Progress } from '../progress.js';
import { counted, printable, row, size, widths } from '../text.js';
import type { NnoeCommand } from '../usage.js';

type Options = SocketOptions & { json?: true };

const keyHint = 'a key such as role-mappings/192.0.2.7; below the root of the store unless it begins with /';

export function register(program: NnoeCommand, io: Io): void {
  const store = (program.command('store') as NnoeCommand).description(
    'Reads and writes keys of the store that the host uses: mappings, policies, threats.',
  );
  const asked = <T>(work: Promise<T>): Promise<T> => {
    const progress = new Progress(io, 'asking the host');
    return work.finally(() => progress.end());
  };
  common(store.command('get') as NnoeCommand)
    .description('Prints the value of a key.')
    .argument('<key>', keyHint)
    .json('one document, a `StoreEntry`; without `revision` when there is no such key.')
    .example('nnoe store get role-mappings/192.0.2.7', 'The roles that a client is mapped to.')
    .action(async (key: string, options: Options) => {
      const entry = await asked(clientFor(options, io.env).get<StoreEntry>(routes.storeGet, { key }));
      if (entry.revision === undefined) io.status = exitStatus.nothing;
      if (options.json) return await io.out.json(entry);
      if (entry.revision === undefined) await io.err.line(`there is no key ${printable(entry.key)}`);
      else await io.out.line(entry.value ?? `base64:${entry.base64}`);
    });
  common(store.command('list') as NnoeCommand)
    .description('Lists keys that begin so, 1,000 at most.')
    .argument('[prefix]', 'what they begin with, such as policies/; all when left out', '')
    .json('one document, a `StoreListing`.')
    .example('nnoe store list role-mappings/', 'Every mapping.')
    .action(async (prefix: string, options: Options) => {
      const listing = await asked(clientFor(options, io.env).get<StoreListing>(routes.storeList, { prefix }));
      if (options.json) await io.out.json(listing);
      else await io.out.write(showListing(listing));
    });
  common(store.command('put') as NnoeCommand)
    .description('Writes a key; what follows it, such as the tables of dnsdist, changes at once.')
    .argument('<key>', keyHint)
    .argument('<value>', 'the value; `-` reads it from standard input')
    .json('one document, a `StorePut`.')
    .example(
      `nnoe store put role-mappings/192.0.2.7 '{"roles":["kids"]}'`,
      'From now on this client is one of the kids.',
    )
    .example('nnoe store put policies/kids.yaml - < kids.yaml', 'A policy from a file.')
    .action(async (key: string, value: string, options: Options) => {
      const body = value === '-' ? await buffer(process.stdin) : Buffer.from(value);
      const done = await asked(clientFor(options, io.env).send<StorePut>(routes.storePut, { key }, body));
      if (options.json) await io.out.json(done);
      else await io.out.line(`${printable(done.key)} has ${counted(done.bytes, 'byte')}`);
    });
  common(store.command('delete') as NnoeCommand)
    .description('Deletes a key.')
    .argument('<key>', keyHint)
    .json('one document, a `StoreDeleted`.')
    .example('nnoe store delete role-mappings/192.0.2.7', 'The client has the roles of its subnet again.')
    .action(async (key: string, options: Options) => {
      const done = await asked(clientFor(options, io.env).send<StoreDeleted>(routes.storeDelete, { key }));
      if (!done.existed) io.status = exitStatus.nothing;
      if (options.json) await io.out.json(done);
      else if (done.existed) await io.out.line(`${printable(done.key)} is deleted`);
      else await io.err.line(`there is no key ${printable(done.key)}`);
    });
}

const common = (command: NnoeCommand): NnoeCommand =>
  command.addOption(socketOption()).addOption(configOption()).addOption(jsonOption()) as NnoeCommand;

function showListing({ prefix, entries, more }: StoreListing): string {
  if (entries.length === 0) return `no key begins with ${printable(prefix)}\n`;
  const rows = entries.map(({ key, bytes }) => [size(bytes), printable(key)]);
  const wide = widths(rows.map((cells) => cells.slice(0, -1)));
  const lines = rows.map((cells) => row(cells, wide, undefined));
  return `${[...lines, ...(more ? ['there are more; name a longer prefix'] : [])].join('\n')}\n`;
}
