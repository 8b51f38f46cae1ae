// SPDX-License-Identifier: MPL-2.0
// `nnoe setup`: has Kea and dnsdist use NNOE, by a change of their configuration that is seen and checked first.
import { basename } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { jsonOption } from '../configured.js';
import type { Io } from '../io.js';
import { type DnsdistOptions, planDnsdist } from '../setup/dnsdist.js';
import { type KeaOptions, planKea } from '../setup/kea.js';
import { hookName } from '../setup/kea-edit.js';
import { carryOut, judgeReport, type Plan, showReport } from '../setup/report.js';
import type { NnoeCommand } from '../usage.js';

interface Common {
  hostConfig?: string;
  apply?: true;
  json?: true;
}

const jsonIs =
  'one document: `program`, `state`, `files` with `path`, `diff`, `backup` and `spent` (backups that are gone, since the file is again what they held), `check`, `applied`, and `todo` with `subject`, `text` and `lines`.';

export function register(program: NnoeCommand, io: Io): void {
  const setup = (program.command('setup') as NnoeCommand).description(
    'Has Kea and dnsdist use NNOE: shows the change to their configuration, has them check it, and makes it when told to.',
  );
  common(setup.command('kea') as NnoeCommand)
    .description('Puts the hook into the configuration of a Kea server, as text: every comment stays.')
    .addOption(new Option('--family <family>', 'which server').choices(['4', '6']).default('4'))
    .option(
      '--config <file>',
      'configuration of Kea (default: /etc/kea/kea-dhcp4.conf or kea-dhcp6.conf)',
      path,
    )
    .option(
      '--journal-directory <directory>',
      'where Kea writes (default: as nnoe.toml says, else below /var/lib/kea/nnoe)',
      path,
    )
    .option(
      '--library <file>',
      'the hook (default: in the hooks directory of the Kea that is installed)',
      named(hookName),
    )
    .json(jsonIs)
    .example('nnoe setup kea', 'What would change for DHCPv4, and what kea-dhcp4 -t says of it.')
    .example(
      'nnoe setup kea --family 6 --apply',
      'Makes the change for DHCPv6; the file as it was stays beside.',
    )
    .example('nnoe setup kea --remove --apply', 'Takes it out again.')
    .action(({ family, ...options }: Common & Omit<KeaOptions, 'family'> & { family: string }) =>
      run(io, options, planKea({ ...options, family: family === '6' ? 6 : 4 }, host(io, options))),
    );
  common(setup.command('dnsdist') as NnoeCommand)
    .description(
      'Puts the line into the configuration of dnsdist, or the rule where it is YAML; all else stays.',
    )
    .option(
      '--config <file>',
      'configuration of dnsdist (default: dnsdist.yml, else dnsdist.conf, in /etc/dnsdist)',
      path,
    )
    .addOption(
      new Option('--fail <how>', 'what happens to queries while there are no tables (default: open)').choices(
        ['open', 'closed'],
      ),
    )
    .option(
      '--tables-directory <directory>',
      'where the host writes tables (default: as nnoe.toml says)',
      path,
    )
    .option('--decisions <directory>', 'where dnsdist writes decisions (default: as nnoe.toml says)', path)
    .option('--script <file>', 'nnoe.lua (default: /usr/share/nnoe/nnoe.lua)', named('nnoe.lua'))
    .option('--library <file>', 'the bridge (default: /usr/lib/nnoe/libnnoe_dnsdist.so)', path)
    .json(jsonIs)
    .example('nnoe setup dnsdist', 'What would change, and what dnsdist --check-config says of it.')
    .example('nnoe setup dnsdist --fail closed --apply', 'Refuses queries while there are no tables.')
    .example('nnoe setup dnsdist --remove --apply', 'Takes it out again.')
    .action((options: Common & DnsdistOptions) => run(io, options, planDnsdist(options, host(io, options))));
}

const common = (command: NnoeCommand): NnoeCommand =>
  command
    .option('--apply', 'make the change, unless the check refuses it')
    .option('--remove', 'take it out again')
    .option('--program <file>', 'the program that checks (default: the one that is installed)')
    .option('--host-config <file>', 'configuration of NNOE (default: NNOE_CONFIG, else /etc/nnoe/nnoe.toml)')
    .addOption(jsonOption()) as NnoeCommand;

/** By its name it is found again. */
const named = (name: string) => (text: string) => {
  if (basename(path(text)) !== name) throw new InvalidArgumentError(`an absolute path that ends in /${name}`);
  return text;
};

/** Another program reads it from elsewhere. */
function path(text: string): string {
  if (!text.startsWith('/') || /\p{Cc}/u.test(text)) throw new InvalidArgumentError('an absolute path');
  return text;
}

const host = (io: Io, { hostConfig: file }: Common) => ({ file, environment: io.env });

async function run(
  io: Io,
  { apply = false, json }: { apply?: boolean; json?: true },
  plan: Plan,
): Promise<void> {
  // Ctrl-C ends the checker, and copies that it read are removed before we end.
  io.interruptible();
  const report = carryOut(plan, apply, io.env);
  if (json) await io.out.json(report);
  else await showReport(report, io.out);
  judgeReport(report);
}
