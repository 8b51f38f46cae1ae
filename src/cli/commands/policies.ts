// SPDX-License-Identifier: MPL-2.0
// `nnoe policies`: which are in force; and what is wrong with files of policies before they are put into the store.
import { routes } from '../../host/control/api.js';
import { NnoeError, reasonOf } from '../../host/errors.js';
import type { Examined } from '../../plugins/policies/examine.js';
import type { PoliciesReport } from '../../plugins/policies/report.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import { exitStatus, exitStatusOfState } from '../exit-status.js';
import type { Io } from '../io.js';
import { type LintReport, policiesState, showLint, showPolicies } from '../policies-view.js';
import { NoPolicies, type PolicyFile, policyFiles } from '../policy-files.js';
import { Progress } from '../progress.js';
import type { NnoeCommand } from '../usage.js';

export function register(program: NnoeCommand, io: Io): void {
  const command = (program.command('policies') as NnoeCommand)
    .description('Shows which policies are in force, what was refused and why, and what they became.')
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('one document, a `PoliciesReport`.')
    .example('nnoe policies', 'All policies; ends with 0 only when all are in force.')
    .example(
      `nnoe policies --json | jq '.policies[] | select(.state != "used")'`,
      'Those that are refused, with the reasons.',
    )
    .action(async (options: SocketOptions & { json?: true }) => {
      const client = clientFor(options, io.env);
      const progress = new Progress(io, 'asking the host');
      const query = { plugin: 'policies' };
      const report = await client.get<PoliciesReport>(routes.report, query).finally(() => progress.end());
      if (options.json) await io.out.json(report);
      else await io.out.write(showPolicies(report, io.out, io.now()));
      io.status = exitStatusOfState(policiesState(report));
    });
  const lint = command.command('lint') as NnoeCommand;
  lint
    .description(
      'Tells what is wrong with policies, without a host: what never holds here, what Cerbos refuses, what cannot be compiled for the roles that they name.',
    )
    .argument('<file...>', 'a policy, or a directory of policies; they are taken as one set')
    .addOption(jsonOption())
    .json('one document, a `LintReport`: faults by file.')
    .example('nnoe policies lint guests.yaml', 'Ends with 0 when the host would take it, with 1 when not.')
    .example('nnoe policies lint --json policies/', 'All of a directory, for programs.')
    .action(async (paths: string[], _: object, self: NnoeCommand) => {
      const files = filesOf(paths, lint);
      const progress = new Progress(io, 'asking Cerbos');
      const report = await examined(files, io).finally(() => progress.end());
      if (self.optsWithGlobals().json) await io.out.json(report);
      else await io.out.write(showLint(report, io.out));
      io.status = report.status;
    });
}

function filesOf(paths: readonly string[], command: NnoeCommand): PolicyFile[] {
  try {
    return policyFiles(paths);
  } catch (error) {
    if (!(error instanceof NoPolicies)) throw error;
    return command.wrong('argument <file>', error.found, [error.expected]);
  }
}

async function examined(files: readonly PolicyFile[], io: Io): Promise<LintReport> {
  // Cerbos' client takes long to load, and nobody else needs it.
  const { examine } = await import('../../plugins/policies/examine.js');
  const named = (id: string) => files[Number(id)]?.path ?? id;
  const readable = files.flatMap(({ text }, i) => (text === undefined ? [] : [{ id: String(i), text }]));
  const found = await examine(readable, { named, signal: io.interruptible() }).catch((error) => {
    throw new NnoeError('CERBOS_FAILED', { reason: reasonOf(error) }, error);
  });
  const all = files.map((file, i) => ({ ...about(String(i), found), ...faultsOf(file, String(i), found) }));
  const bad = all.some(({ faults }) => faults.length > 0);
  const { compiled, cerbos } = found;
  return {
    status: bad ? exitStatus.nothing : exitStatus.ok,
    files: all,
    compiled,
    ...(cerbos !== undefined && { cerbos }),
  };
}

function about(id: string, { policies }: Examined): { kind: string; name: string } {
  const { kind = '', name = '' } = policies.find((each) => each.id === id) ?? {};
  return { kind, name };
}

function faultsOf({ path: file, text }: PolicyFile, id: string, { faults }: Examined) {
  if (text === undefined) {
    const message = 'it cannot be read: found bytes that are not UTF-8, expected YAML or JSON';
    return { file, faults: [{ path: '', message, by: 'linter' as const }] };
  }
  const own = faults.filter((fault) => fault.id === id);
  return { file, faults: own.map(({ id: _, ...fault }) => fault) };
}
