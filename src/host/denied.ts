// SPDX-License-Identifier: MPL-2.0
// What stands in the way when the system refuses a path, and who has to change what; native/shm/denied.h says the
// same for what is opened there.
import { accessSync, constants, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

const { R_OK, W_OK, X_OK } = constants;
/** Calls that only read; one of them may still have been about to write. */
const reading = new Set(['open', 'scandir', 'stat', 'lstat', 'read']);

/** For the end of a message, as `: …`; empty for what is no refusal. Slow: for errors alone. */
export function denied(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { code, path, address, syscall = '' } = error as NodeJS.ErrnoException & { address?: unknown };
  const target = path ?? address;
  if (typeof target !== 'string' || !target.startsWith('/')) return '';
  if (code === 'EROFS')
    return ': it is read-only for this process, whose systemd unit has to name it in ReadWritePaths=';
  if (code !== 'EACCES' && code !== 'EPERM') return '';
  return (
    inTheWay(target, reading.has(syscall)) ??
    ': owner and mode allow it; the AppArmor profile of this program, or the sandbox of its systemd unit, has to allow it too'
  );
}

function inTheWay(path: string, reads: boolean): string | undefined {
  for (const part of parents(path)) if (lacks(part, X_OK)) return explain(part, X_OK);
  const there = look(path);
  const target = there === undefined ? dirname(path) : path;
  const enter = (there ?? look(target))?.isDirectory() ? X_OK : 0;
  if (reads && there !== undefined && lacks(target, R_OK | enter)) return explain(target, R_OK | enter);
  return lacks(target, W_OK | enter) ? explain(target, W_OK | enter) : undefined;
}

/** From the top; without the root and the path itself. */
function parents(path: string): string[] {
  const above = dirname(path);
  return above === '/' ? [] : [...parents(above), above];
}

function explain(path: string, right: number): string {
  const stats = look(path);
  if (stats === undefined) return '';
  const { uid, gid, mode } = stats;
  const self = process.geteuid?.() ?? 0;
  const what = (right & W_OK) !== 0 ? 'write' : (right & R_OK) !== 0 ? 'read' : 'enter';
  const group = nameOf('/etc/group', gid);
  const bits = (mode & 0o7777).toString(8).padStart(4, '0');
  const is = `: ${path} is ${user(uid)}:${group} ${bits}, and this process runs as ${user(self)}`;
  if (uid === self) return `${is}: its mode has to let the owner ${what} it`;
  if (gid !== 0 && ((mode >> 3) & right) === right)
    return `${is}, which has to be in the group ${group}, and be started anew`;
  return `${is}, which has to own it, or be in its group with the right to ${what} it`;
}

/** By owner, mode and access list; what AppArmor and the like say is not in it. */
function lacks(path: string, right: number): boolean {
  try {
    accessSync(path, right);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

const user = (id: number): string => nameOf('/etc/passwd', id);

/** The name that a file such as /etc/passwd has for a number, else the number. */
function nameOf(file: string, id: number): string {
  try {
    const rows = readFileSync(file, 'utf8').split('\n');
    return rows.map((row) => row.split(':')).find((row) => row[2] === String(id))?.[0] ?? String(id);
  } catch {
    return String(id);
  }
}
