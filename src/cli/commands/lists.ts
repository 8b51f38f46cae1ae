// SPDX-License-Identifier: MPL-2.0
// `nnoe lists`: how the lists of names are; and what operators do about one.
import { routes } from '../../host/control/api.js';
import type { ListsDone, ListsReport } from '../../plugins/lists/report.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import { exitStatusOfState } from '../exit-status.js';
import type { Io } from '../io.js';
import { listsState, showLists } from '../lists-view.js';
import { Progress } from '../progress.js';
import type { NnoeCommand } from '../usage.js';

type Options = SocketOptions & { json?: boolean };

const plugin = 'lists';

export function register(program: NnoeCommand, io: Io): void {
  const command = (program.command('lists') as NnoeCommand)
    .description('Shows the lists of names: how many each has, what was left out and why, who is held to it.')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('one document, `ListsReport`.')
    .example('nnoe lists', 'All lists; ends with 0 only when all are well.')
    .example(
      "nnoe lists --json | jq '.lists[].bad'",
      'Rows that were not used, by reason, with the first of each.',
    )
    .action(async (options: Options) => {
      const client = clientFor(options, io.env);
      const progress = new Progress(io, 'asking the host');
      const report = await client.get<ListsReport>(routes.report, { plugin }).finally(() => progress.end());
      if (options.json) await io.out.json(report);
      else await io.out.write(showLists(report, io.out, io.now()));
      io.status = exitStatusOfState(listsState(report));
    });
  (command.command('reload') as NnoeCommand)
    .description('Reads a list, or all, now; what lost too many names is held back as ever.')
    .argument('[list]', 'a list, as the configuration names it; all when left out')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('one document, `ListsDone`: the lists as they are then.')
    .example('nnoe lists reload ads', 'Returns when the list is published.')
    .action((list: string | undefined, _: Options, command: NnoeCommand) =>
      operate('reload', list, command.optsWithGlobals(), io),
    );
  (command.command('accept') as NnoeCommand)
    .description('Takes what a list has now, however many names it lost.')
    .argument('<list>', 'a list, as the configuration names it')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('one document, `ListsDone`: the list as it is then.')
    .example('nnoe lists accept ads', 'Takes a list that is held back.')
    .action((list: string, _: Options, command: NnoeCommand) =>
      operate('accept', list, command.optsWithGlobals(), io),
    );
}

async function operate(operation: string, list: string | undefined, options: Options, io: Io): Promise<void> {
  const client = clientFor(options, io.env);
  const progress = new Progress(io, 'waiting for the lists to be read');
  const done = await client.operate<ListsDone>(plugin, operation, list).finally(() => progress.end());
  if (options.json) await io.out.json(done);
  else await io.out.write(showLists(done, io.out, io.now()));
  io.status = exitStatusOfState(listsState(done));
}
