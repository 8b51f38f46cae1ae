// SPDX-License-Identifier: MPL-2.0
// `nnoe roles`.
import { type ClientReport, type RolesReport, routes } from '../../host/control/api.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import type { Io } from '../io.js';
import { Progress } from '../progress.js';
import { showClient, showRoleSets } from '../roles-view.js';
import type { NnoeCommand } from '../usage.js';

export function register(program: NnoeCommand, io: Io): void {
  (program.command('roles') as NnoeCommand)
    .description(
      'Lists the sets of roles that clients can have; with an address, which one that client has, and why.',
    )
    .argument('[client]', 'an address such as 192.0.2.7 or 2001:db8::7')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('one document, a `RolesReport`; with an address a `ClientReport`.')
    .example('nnoe roles', 'Every set of roles, with the number of its mappings.')
    .example('nnoe roles 192.0.2.7', 'The roles of a client, and the mapping that gives them.')
    .action(async (client: string | undefined, options: SocketOptions & { json?: boolean }) => {
      const progress = new Progress(io, 'asking the host');
      const host = clientFor(options, io.env);
      if (client === undefined) {
        const report = await host.get<RolesReport>(routes.roles).finally(() => progress.end());
        if (options.json) return await io.out.json(report);
        await io.out.write(showRoleSets(report, io.out));
        return;
      }
      const path = `${routes.roles}?${new URLSearchParams({ client })}`;
      const report = await host.get<ClientReport>(path).finally(() => progress.end());
      if (options.json) return await io.out.json(report);
      await io.out.write(showClient(report, io.out));
    });
}
