// SPDX-License-Identifier: MPL-2.0
// `nnoe status`.
import { routes, type StatusReport } from '../../host/control/api.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import { exitStatusOfState } from '../exit-status.js';
import type { Io } from '../io.js';
import { Progress } from '../progress.js';
import { showStatus } from '../status-view.js';
import type { NnoeCommand } from '../usage.js';

export function register(program: NnoeCommand, io: Io): void {
  (program.command('status') as NnoeCommand)
    .description('Shows what is connected, how far each plugin is, what is wrong and what to do.')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('one document, `StatusReport`.')
    .example('nnoe status', 'Tells at a glance; ends with 0 only when all is well.')
    .example("nnoe status --json | jq '.plugins.leases.journals'", 'How far a plugin is in each journal.')
    .example('until nnoe status >/dev/null; do sleep 1; done', 'Waits until all is well.')
    .action(async (options: SocketOptions & { json?: boolean }) => {
      const client = clientFor(options, io.env);
      const progress = new Progress(io, 'asking the host');
      const report = await client.get<StatusReport>(routes.status).finally(() => progress.end());
      if (options.json) await io.out.json(report);
      else await io.out.write(showStatus(report, io.out, io.now()));
      io.status = exitStatusOfState(report.state);
    });
}
