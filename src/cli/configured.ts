// SPDX-License-Identifier: MPL-2.0
// What commands take from the configuration: where the control socket is, without judging the rest of the file.
import { readFileSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import { parse } from 'smol-toml';
import { NnoeError, reasonOf } from '../host/errors.js';
import { ControlClient } from './client.js';

export const defaultConfigFile = '/etc/nnoe/nnoe.toml';
/** As in src/host/config.ts, which a test compares: that file is not loaded for the sake of one path. */
export const defaultSocket = '/run/nnoe/host.sock';

export const configOption = () =>
  new Option('--config <file>', `configuration (default: ${defaultConfigFile})`);
export const socketOption = () =>
  new Option(
    '--socket <path>',
    'control socket of the host (default: NNOE_SOCKET, else as configured)',
  ).argParser((text) => {
    if (text === '') throw new InvalidArgumentError('a path');
    return text;
  });
export const jsonOption = () => new Option('--json', 'print JSON, for programs');

export interface SocketOptions {
  socket?: string;
  config?: string;
}

/** --socket, else that of a --config, else NNOE_SOCKET, else that of the default configuration. */
export function socketPath({ socket, config }: SocketOptions, env: NodeJS.ProcessEnv): string {
  if (socket !== undefined) return socket;
  const { NNOE_SOCKET: given } = env;
  if (config === undefined && given !== undefined && given !== '') return given;
  const configured = configuredSocket(config);
  if (configured === '')
    throw new NnoeError('CONTROL_UNREACHABLE', { socket: 'no socket', reason: '[control] socket is empty' });
  return configured;
}

export const clientFor = (options: SocketOptions, env: NodeJS.ProcessEnv) =>
  new ControlClient(socketPath(options, env));

/** A default file that is not there says nothing; one that was named must be. */
function configuredSocket(file: string | undefined): string {
  let text: string;
  try {
    text = readFileSync(file ?? defaultConfigFile, 'utf8');
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return defaultSocket;
    throw new NnoeError(
      'CONFIG_MISSING',
      { file: file ?? defaultConfigFile, reason: reasonOf(error) },
      error,
    );
  }
  try {
    const { control } = parse(text) as { control?: { socket?: unknown } };
    return typeof control?.socket === 'string' ? control.socket : defaultSocket;
  } catch (error) {
    const reason = reasonOf(error).split('\n', 1)[0] ?? '';
    throw new NnoeError('CONFIG_SYNTAX', { file: file ?? defaultConfigFile, reason }, error);
  }
}
