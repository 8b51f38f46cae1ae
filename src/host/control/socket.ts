// SPDX-License-Identifier: MPL-2.0
// The socket file: taking the place of a dead host's, refusing that of a living one.
import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, type Stats } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { dirname } from 'node:path';
import { NnoeError, reasonOf } from '../errors.js';

/** Who may open it: owner and group. */
const mode = 0o660;
/** Of the directory, when it has to be made: others find nothing there. */
const directoryMode = 0o750;
/** A host that accepts connections does so within this time, ms. */
const patience = 2000;

/**
 * Listens at `path`. The file appears there in one step, with its mode, so that no client meets a socket that
 * does not answer yet. Returns the file's identity.
 * @throws NnoeError CONTROL_BUSY, CONTROL_SOCKET.
 */
export async function listenAt(server: Server, path: string): Promise<string> {
  const mine = `${path}.${process.pid}`;
  try {
    makeDirectory(dirname(path));
    await refuseLiving(path);
    remove(mine);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: mine, backlog: 64 }, resolve);
    });
    chmodSync(mine, mode);
    renameSync(mine, path);
    return identity(path) ?? '';
  } catch (error) {
    server.close();
    remove(mine);
    if (error instanceof NnoeError) throw error;
    throw new NnoeError('CONTROL_SOCKET', { socket: path, reason: reasonOf(error) }, error);
  }
}

/** Which file stands there; undefined when none does, or it cannot be seen. */
export function identity(path: string): string | undefined {
  const stats = look(path);
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

/** Removes the file when it is still the one that `listenAt` made. */
export function release(path: string, made: string): void {
  if (identity(path) === made) remove(path);
}

/** What cannot be removed shows when something is to be put there. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Not even looked at: its directory is none.
  }
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** The directory alone, not what is above it: a path that is spelled wrong must not grow a tree. */
function makeDirectory(directory: string): void {
  if (look(directory) === undefined) mkdirSync(directory, { mode: directoryMode });
}

async function refuseLiving(path: string): Promise<void> {
  const stats = look(path);
  if (stats === undefined) return;
  if (!stats.isSocket()) throw new Error('a file stands there that is no socket');
  const code = await knock(path);
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return; // nobody listens any more
  if (code === undefined || code === 'EAGAIN' || code === 'ETIMEDOUT')
    throw new NnoeError('CONTROL_BUSY', { socket: path });
  throw new Error(`the socket that stands there cannot be opened (${code})`);
}

/** Undefined when somebody accepted, else why not. */
function knock(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const done = (code: string | undefined) => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(patience, () => done('ETIMEDOUT'));
    socket.once('connect', () => done(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}
