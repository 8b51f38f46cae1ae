// SPDX-License-Identifier: MPL-2.0
// `nnoe leases`.
import { InvalidArgumentError, Option } from 'commander';
import { type LeaseLine, routes } from '../../host/control/api.js';
import { addressFilter, addressHint, networkFilter, networkHint } from '../../host/control/filter.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import { exitStatus } from '../exit-status.js';
import type { Io } from '../io.js';
import { PeopleView, ProgramView } from '../lease-output.js';
import type { NnoeCommand } from '../usage.js';

/** What is asked for, as parameters of the route. */
interface Wanted {
  address?: string;
  prefix?: string;
}

interface Options extends SocketOptions {
  watch?: boolean;
  ipv4?: boolean;
  ipv6?: boolean;
  json?: boolean;
}

export function register(program: NnoeCommand, io: Io): void {
  (program.command('leases') as NnoeCommand)
    .description('Lists the leases in the store, or shows them as they change.')
    .argument('[address]', `${addressHint}, or ${networkHint}; all when left out`, wanted)
    .option('-w, --watch', 'after the present leases, show every change, until Ctrl-C')
    .addOption(new Option('-4, --ipv4', 'only IPv4').conflicts('ipv6'))
    .addOption(new Option('-6, --ipv6', 'only IPv6'))
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('NDJSON, a `LeaseLine` each, ending with `end` (or, watching, until Ctrl-C).')
    .example('nnoe leases', 'Lists all of them.')
    .example('nnoe leases 192.0.2.7', 'Who has this address? Ends with 1 when nobody has.')
    .example('nnoe leases 2001:db8::/32 --watch', 'Follows what happens in a network.')
    .example(`nnoe leases --json | jq -r 'select(.lease) | .lease.ip'`, 'For programs.')
    .action(async (given: Wanted | undefined, options: Options, command: NnoeCommand) => {
      const query = withFamily(given, options, command);
      const client = clientFor(options, io.env);
      const view = options.json ? new ProgramView(io) : new PeopleView(io);
      const signal = io.interruptible();
      const watching = options.watch ? { watch: '1', snapshot: '1' } : {};
      try {
        const asked = { ...query, ...watching };
        for await (const lines of client.stream<LeaseLine>('GET', routes.leases, asked, signal)) {
          await view.show(lines);
          const last = lines.at(-1)?.line;
          if (last?.type === 'end' && last.count === 0) await nothing(query, options, io);
        }
      } finally {
        view.end();
      }
      if (signal.aborted) io.status = exitStatus.interrupted;
    });
}

function wanted(text: string): Wanted {
  const filter = text.includes('/') ? networkFilter(text) : addressFilter(text);
  if (filter === undefined) throw new InvalidArgumentError(`${addressHint}, or ${networkHint}`);
  return filter.address === undefined ? { prefix: text } : { address: filter.address };
}

function withFamily(given: Wanted | undefined, options: Options, command: NnoeCommand): Wanted {
  const family = options.ipv4 ? '-4, --ipv4' : options.ipv6 ? '-6, --ipv6' : undefined;
  if (family === undefined) return given ?? {};
  if (given !== undefined)
    command.error(`option ${family}: found an address beside it, expected one of them`);
  return { prefix: options.ipv4 ? '0.0.0.0/0' : '::/0' };
}

/** An empty table would leave people wondering; programs count the lines, or look at the status. */
async function nothing({ address, prefix }: Wanted, { json }: Options, io: Io): Promise<void> {
  if (address !== undefined) io.status = exitStatus.nothing;
  const what = address ?? prefix;
  if (!json) await io.err.line(`no lease${what === undefined ? '' : ` for ${what}`}`);
}
