// SPDX-License-Identifier: MPL-2.0
// `nnoe top`.
import { Argument } from 'commander';
import { routes } from '../../host/control/api.js';
import type { DecisionsReport } from '../../plugins/decisions/report.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import type { Io } from '../io.js';
import { Progress } from '../progress.js';
import { showTop, type TopReport, topOf } from '../top-view.js';
import type { NnoeCommand } from '../usage.js';

const kinds = ['names', 'clients'] as const;

interface Options extends SocketOptions {
  blocked?: boolean;
  json?: boolean;
}

export function register(program: NnoeCommand, io: Io): void {
  (program.command('top') as NnoeCommand)
    .description('Shows what is asked for most, or who asks most, over the last minutes.')
    .addArgument(new Argument('[what]', 'names, or clients').choices(kinds).default('names'))
    .option('--blocked', 'only what was not let through')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('one document, a `TopReport`: all that is ranked, up to a thousand.')
    .example('nnoe top', 'The names that are asked for most.')
    .example('nnoe top clients --blocked', 'Who asks most for what is blocked.')
    .action(async (what: (typeof kinds)[number], options: Options) => {
      const progress = new Progress(io, 'asking the host');
      const query = { plugin: 'decisions' };
      const report = await clientFor(options, io.env)
        .get<DecisionsReport>(routes.report, query)
        .finally(() => progress.end());
      const top: TopReport = topOf(report, what, options.blocked === true);
      if (options.json) await io.out.json(top);
      else await io.out.write(showTop(top, io.out));
    });
}
