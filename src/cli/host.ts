// SPDX-License-Identifier: MPL-2.0
// `nnoe host`: the process around the host, from its configuration to its exit status.
import { setFlagsFromString } from 'node:v8';
import { type Loaded, type LoadOptions, loadConfig } from '../host/config/load.js';
import { exitCode, NnoeError, reasonOf } from '../host/errors.js';
import { Host } from '../host/host.js';
import { createLogger, type Logger, say, sayError } from '../host/log.js';
import { native } from '../host/native.js';
import type { AnyPlugin } from '../host/plugin.js';
import { ServiceManager } from '../host/service.js';
import { plugins as released } from '../plugins/plugins.js';

/** After an unexpected error its cause may well prevent an orderly stop: not longer than this, s. */
const crashDeadline = 3;

/**
 * How much the old heap grows between two collections, percent of what lives in it. On a machine with much memory V8 lets a
 * small heap grow fourfold: 300 MB resident with a million leases, where this makes it 230 (bench, `idle`). Processor time of filling
 * that many grew by a twentieth at 100 and by a sixth at 50.
 */
const heapGrowth = 75;

/** Resolves with the exit status, when the host has stopped. @param plugins those of the release. */
export async function runHost(
  options: LoadOptions,
  plugins: readonly AnyPlugin[] = released,
): Promise<number> {
  let loaded: Loaded;
  try {
    loaded = await loadConfig(plugins, options);
  } catch (error) {
    process.stderr.write(`nnoe: ${reasonOf(error)}\n`);
    return exitCode(error);
  }
  const { config } = loaded;
  setFlagsFromString(`--heap-growing-percent=${heapGrowth}`);
  const log = createLogger(config.log.level);
  const { ended, told, fatal } = untilTold(log);
  let host: Host;
  let service: ServiceManager | undefined;
  try {
    service = new ServiceManager(process.env, native(), log);
    const status = (line: string) => service?.status(line);
    host = new Host({ config, plugins: loaded.plugins, log, fatal, status });
    await host.start();
  } catch (error) {
    sayError(log, error);
    return exitCode(error);
  }
  if (!told()) service.ready();
  const { reason, error } = await ended;
  say(log, 'HOST_STOPPING', { reason });
  service.stopping(config.stop.deadline);
  service.status(`stopping: ${reason}`);
  const status = await stopHost(host, log, error);
  service.close();
  return status;
}

async function stopHost(host: Host, log: Logger, cause: NnoeError | undefined): Promise<number> {
  const crashed = cause?.code === 'HOST_UNHANDLED';
  try {
    await (crashed ? host.stop(crashDeadline) : host.stop());
  } catch (error) {
    sayError(log, error);
    return cause === undefined ? exitCode(error) : exitCode(cause);
  }
  say(log, 'HOST_STOPPED');
  return cause === undefined ? 0 : exitCode(cause);
}

interface End {
  reason: string;
  error?: NnoeError;
}

/** The first of: a signal, something fatal, something nobody expected. A second signal ends the process at once. */
function untilTold(log: Logger) {
  let isTold = false;
  let end: (end: End) => void = () => undefined;
  const ended = new Promise<End>((resolve) => {
    end = (how) => {
      isTold = true;
      resolve(how);
    };
  });
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    signals++;
    if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    end({ reason: signal });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const fatal = (error: NnoeError) => {
    sayError(log, error);
    end({ reason: error.code, error });
  };
  const unexpected = (what: string) => (thrown: unknown) =>
    fatal(new NnoeError('HOST_UNHANDLED', { what, reason: reasonOf(thrown) }, thrown));
  process.on('uncaughtException', unexpected('exception'));
  process.on('unhandledRejection', unexpected('rejection'));
  return { ended, told: () => isTold, fatal };
}
