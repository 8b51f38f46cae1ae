// SPDX-License-Identifier: MPL-2.0
// `nnoe resync`.
import { InvalidArgumentError } from 'commander';
import { type ResyncLine, routes, type StatusReport } from '../../host/control/api.js';
import { NnoeError } from '../../host/errors.js';
import { type ControlClient, type Received, RemoteError } from '../client.js';
import { clientFor, configOption, jsonOption, type SocketOptions, socketOption } from '../configured.js';
import { exitStatus, exitStatusOf } from '../exit-status.js';
import type { Io } from '../io.js';
import { Progress } from '../progress.js';
import { counted, duration, printable, wrap } from '../text.js';
import type { NnoeCommand } from '../usage.js';

type WalkLine = Extract<ResyncLine, { type: 'walk' }>;

interface Options extends SocketOptions {
  /** False with --no-wait. */
  wait: boolean;
  timeout?: number;
  json?: boolean;
}

export function register(program: NnoeCommand, io: Io): void {
  (program.command('resync') as NnoeCommand)
    .description("Has Kea's lease database read again, and waits until the plugins are through with it.")
    .argument('[source]', 'a journal, as the configuration names it, such as dhcp4; all when left out')
    .option('--no-wait', 'only ask for it')
    .option('--timeout <seconds>', 'wait no longer than this; without it, for as long as it takes', seconds)
    .addOption(socketOption())
    .addOption(configOption())
    .addOption(jsonOption())
    .json('NDJSON, a `ResyncLine` each, ending with `end`.')
    .example('nnoe resync', 'Reads all leases of all Kea servers again.')
    .example('nnoe resync dhcp4 --timeout 60', 'One server; ends with 75 when it takes longer than a minute.')
    .example('nnoe resync --no-wait', 'Asks and ends; `nnoe status` tells how far it is.')
    .action(async (source: string | undefined, options: Options, command: NnoeCommand) => {
      const client = clientFor(options, io.env);
      const interrupted = io.interruptible();
      const { timeout } = options;
      const late = timeout === undefined ? undefined : AbortSignal.timeout(timeout * 1000);
      const signal = late === undefined ? interrupted : AbortSignal.any([interrupted, late]);
      const view = new View(io, options);
      try {
        const query = { source, wait: options.wait ? undefined : '0' };
        for await (const lines of client.stream<ResyncLine>('POST', routes.resync, query, signal))
          await view.show(lines);
      } catch (error) {
        if (source !== undefined) await explain(error, source, client, command);
        throw error;
      } finally {
        view.end();
      }
      if (interrupted.aborted) io.status = exitStatus.interrupted;
      else if (late?.aborted && !view.complete)
        throw new NnoeError('CONTROL_WAITED', { seconds: timeout ?? 0, sources: view.pending() });
    });
}

/** A journal that the host does not have is a wrong argument. @throws UsageError. */
async function explain(error: unknown, source: string, client: ControlClient, command: NnoeCommand) {
  if (!(error instanceof RemoteError) || error.fault.code !== 'CONTROL_REQUEST') return;
  const { journals } = await client.get<StatusReport>(routes.status);
  if (!Object.hasOwn(journals, source)) command.wrong('argument <source>', source, Object.keys(journals));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 86_400)
    throw new InvalidArgumentError('a number of seconds, more than 0 and at most 86400');
  return value;
}

class View {
  complete = false;
  readonly #progress: Progress;
  readonly #states = new Map<string, WalkLine>();

  constructor(
    readonly io: Io,
    readonly options: Options,
  ) {
    this.#progress = new Progress(io, 'asking the host');
  }

  async show(lines: readonly Received<ResyncLine>[]): Promise<void> {
    for (const { line, text } of lines) {
      if (this.options.json) await this.io.out.line(text);
      if (line.type === 'walk') await this.#walk(line);
      else if (line.type === 'end') this.complete = line.complete;
    }
    this.#progress.say([...this.#states.values()].map(inWords).join(', '));
  }

  end(): void {
    this.#progress.end();
  }

  /** What is not done, for an error message. */
  pending(): string {
    const open = [...this.#states.values()].filter(({ state }) => state !== 'done');
    return open.map(inWords).join(', ') || 'the host has not answered';
  }

  async #walk(line: WalkLine): Promise<void> {
    const { io, options } = this;
    this.#states.set(line.source, line);
    if (line.state === 'refused') await this.#refused(line);
    if (options.json) return;
    const source = printable(line.source);
    if (line.state === 'done') {
      this.#progress.pause();
      const took = `${counted(line.leases, 'lease')} in ${duration(line.seconds)}`;
      await io.out.line(`${source}: ${io.out.paint.green('complete')}, ${took}`);
    } else if (!options.wait && line.state !== 'refused') {
      this.#progress.pause();
      await io.out.line(`${source}: asked for; nnoe status tells how far it is`);
    }
  }

  async #refused({ source, code = '', reason = '', help = '' }: WalkLine): Promise<void> {
    const { io, options } = this;
    io.status = Math.max(io.status, exitStatusOf(code));
    if (options.json) return;
    this.#progress.pause();
    await io.err.line(`nnoe: ${printable(source)}: ${printable(reason)}`);
    for (const text of wrap(printable(help), (io.err.columns ?? 80) - 2)) await io.err.line(`  ${text}`);
  }
}

function inWords({ source, state, leases, seconds: since }: WalkLine): string {
  switch (state) {
    case 'asked':
      return `${source}: waiting for Kea to begin${since > 2 ? ' (does it run?)' : ''}`;
    case 'walking':
      return `${source}: ${counted(leases, 'lease')} read`;
    case 'settling':
      return `${source}: ${counted(leases, 'lease')} read, being written`;
    default:
      return `${source}: ${state}`;
  }
}
