// SPDX-License-Identifier: MPL-2.0
// `nnoe why`: reads the tables themselves, so it tells the same whether the host runs or not; what each dnsdist has of
// them is asked of the host, where one answers.
import { writtenValue } from '../../host/config/load.js';
import { routes, type StatusReport } from '../../host/control/api.js';
import { NnoeError } from '../../host/errors.js';
import { nameBytes } from '../../host/tables/names.js';
import { clientBytes, type WhyReport, why } from '../../host/tables/why.js';
import { nameText } from '../../plugins/policies/name.js';
import { qtypeNumber, qtypeText } from '../../plugins/policies/qtypes.js';
import type { RulingReport, RulingSubject } from '../../plugins/policies/service.js';
import { prefixes } from '../../plugins/roles/declaration.js';
import { RemoteError } from '../client.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import { exitStatus } from '../exit-status.js';
import type { Io } from '../io.js';
import { Progress } from '../progress.js';
import type { NnoeCommand } from '../usage.js';
import { showWhy, type WhyBridges, type WhyRuling } from '../why-view.js';

/** As in src/host/config.ts, which a test compares. */
export const defaultTables = '/var/lib/nnoe/tables';
const defaultRoot = '/nnoe';

interface WhyOptions extends SocketOptions {
  tables?: string;
  json?: true;
}

export function register(program: NnoeCommand, io: Io): void {
  const command = program.command('why') as NnoeCommand;
  command
    .description(
      'Tells what dnsdist does with a query and why: the mapping, the lists, the policy rule. Also with no host running.',
    )
    .argument('<client>', 'an address such as 192.0.2.7 or 2001:db8::7')
    .argument('<name>', 'the name that is asked for; any script, `\\.` and `\\DDD` as in zone files')
    .argument('[type]', 'a type such as AAAA or TYPE65', 'A')
    .option('--tables <directory>', 'directory of the tables (default: as configured)')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json(
      'one document, a `WhyReport`, with `bridges` or `hostReason`; of a query that Cerbos is asked about with `ruling`: what it says now.',
    )
    .example('nnoe why 192.0.2.7 ads.example', 'Why can this client not open that name?')
    .example('nnoe why 2001:db8::7 www.example AAAA --json', 'The same, for programs.')
    .action(async (client: string, name: string, type: string, options: WhyOptions) => {
      const directory = options.tables ?? configured(['tables', 'directory'], options, io, defaultTables);
      const question = {
        directory,
        ...checked(command, client, name, type),
        mappings: `${configured(['store', 'root'], options, io, defaultRoot)}/${prefixes.mappings.prefix}`,
        now: io.now(),
      };
      const progress = new Progress(io, 'reading the tables');
      const report = why(question);
      const [bridges, ruling] = await Promise.all([
        bridgesOf(options, io),
        rulingOf(report, options, io),
      ]).finally(() => progress.end());
      if (options.json) await io.out.json({ ...report, ...bridges, ...(ruling && { ruling }) });
      else await io.out.write(showWhy(report, name, bridges, io.out, ruling));
      if (report.generation === 0) io.status = exitStatus.later;
    });
}

function configured(path: readonly string[], options: WhyOptions, io: Io, otherwise: string): string {
  const value = writtenValue(path, { file: options.config, environment: io.env });
  return typeof value === 'string' ? value : otherwise;
}

function checked(command: NnoeCommand, client: string, name: string, type: string) {
  if (clientBytes(client) === undefined)
    command.wrong('argument <client>', client, ['an address such as 192.0.2.7 or 2001:db8::7']);
  if (nameBytes(name) === undefined)
    command.wrong('argument <name>', name, ['a domain name such as www.example']);
  const text = type.toUpperCase();
  const number = qtypeNumber(text);
  if (number === undefined)
    command.wrong('argument [type]', type, ['a type of records such as A, AAAA or TYPE65']);
  return { client, name, type: { number: number ?? 0, text } };
}

async function bridgesOf(options: WhyOptions, io: Io): Promise<WhyBridges> {
  try {
    const { tables } = await clientFor(options, io.env).get<StatusReport>(routes.status);
    return { bridges: tables?.bridges ?? [] };
  } catch (error) {
    if (error instanceof NnoeError || error instanceof RemoteError) return { hostReason: error.message };
    throw error;
  }
}

/** What Cerbos says now, of a query that it is asked about; undefined of others. */
async function rulingOf(report: WhyReport, options: WhyOptions, io: Io): Promise<WhyRuling | undefined> {
  if (report.reason !== 'fallback-miss') return undefined;
  const { roleSet, client, type: qtype, levels } = report;
  const lists = [...new Set(levels.flatMap((level) => level.lists))].sort();
  const qname = nameText(nameBytes(report.name) ?? Buffer.of(0));
  const subject: RulingSubject = { roleSet, qname, qtype: qtypeText(qtypeNumber(qtype) ?? 0), client, lists };
  try {
    const said = await clientFor(options, io.env).operate<RulingReport>(
      'policies',
      'rule',
      JSON.stringify(subject),
    );
    return said.action === undefined
      ? { unknown: 'Cerbos does not answer, or policies are being changed' }
      : said;
  } catch (error) {
    if (error instanceof NnoeError || error instanceof RemoteError) return { unknown: error.message };
    throw error;
  }
}
