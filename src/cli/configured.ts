// SPDX-License-Identifier: MPL-2.0
// The options of commands that read the configuration, and what those that only talk to the host take from it.
import { InvalidArgumentError, Option } from 'commander';
import { defaultConfigFile, type LoadOptions, writtenValue } from '../host/config/load.js';
import { NnoeError } from '../host/errors.js';
import { ControlClient } from './client.js';

/** As in src/host/config.ts, which a test compares. */
export const defaultSocket = '/run/nnoe/host.sock';

export const configOption = () =>
  new Option(
    '--config <file>',
    `configuration (default: NNOE_CONFIG, else ${defaultConfigFile} if it is there)`,
  );
export const setOption = () =>
  new Option('--set <key=value>', 'a key, over the file and over variables; may be repeated').argParser(
    (value: string, all: string[] = []) => [...all, value],
  );
export const socketOption = () =>
  new Option('--socket <path>', 'control socket of the host (default: as configured)').argParser((text) => {
    if (text === '') throw new InvalidArgumentError('a path');
    return text;
  });
export const jsonOption = () => new Option('--json', 'print JSON, for programs');

export interface ConfigOptions {
  config?: string;
  set?: string[];
}

export interface SocketOptions {
  socket?: string;
  config?: string;
}

export const loadOptions = ({ config, set }: ConfigOptions, environment: NodeJS.ProcessEnv): LoadOptions => ({
  file: config,
  set,
  environment,
});

/** --socket, else as variables and file say; the rest of the file is not judged. */
export function socketPath({ socket, config }: SocketOptions, env: NodeJS.ProcessEnv): string {
  if (socket !== undefined) return socket;
  const configured = writtenValue(['control', 'socket'], { file: config, environment: env });
  if (configured === '')
    throw new NnoeError('CONTROL_UNREACHABLE', { socket: 'no socket', reason: '[control] socket is empty' });
  return typeof configured === 'string' ? configured : defaultSocket;
}

export const clientFor = (options: SocketOptions, env: NodeJS.ProcessEnv) =>
  new ControlClient(socketPath(options, env));
