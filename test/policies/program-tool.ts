// SPDX-License-Identifier: MPL-2.0
// The real interpreter (native/shm/tables), run by build/test/program_tool: sections in, answers out.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '../../src/host/address.js';

const tool = join(fileURLToPath(new URL('../../../', import.meta.url)), 'build/test/program_tool');

export interface ToolQuestion {
  roleSet: number;
  type: number;
  client: string;
  /** Lower case, wire form. */
  name: Buffer;
  /** Ids. */
  lists: readonly number[];
}

export interface ToolAnswer {
  /** 0 an action, 1 unplanned, 2 and 3 fallback: Programs::Result. */
  result: number;
  action: number;
  terminal: number;
  qname: string;
  client: string;
}

export class ProgramTool {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private received = Buffer.alloc(0);
  private wake: (() => void) | undefined;
  private ended = false;

  constructor(path = tool) {
    this.child = spawn(path, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake?.();
    });
    this.child.once('close', () => {
      this.ended = true;
      this.wake?.();
    });
  }

  private async read(size: number): Promise<Buffer> {
    while (this.received.length < size) {
      if (this.ended) throw new Error('program_tool has ended');
      await new Promise<void>((done) => {
        this.wake = done;
      });
    }
    const bytes = this.received.subarray(0, size);
    this.received = this.received.subarray(size);
    return bytes;
  }

  /** @throws Error with the reason when the section is refused */
  async open(section: Buffer, limits: { roleSets: number; lists: number; actions: number }): Promise<void> {
    const head = Buffer.alloc(17);
    head.write('S');
    [limits.roleSets, limits.lists, limits.actions, section.length].forEach(
      (n, i) => void head.writeUInt32LE(n, 1 + i * 4),
    );
    this.child.stdin.write(Buffer.concat([head, section]));
    if ((await this.read(4)).readUInt32LE() === 1) return;
    const size = (await this.read(4)).readUInt32LE();
    throw new Error((await this.read(size)).toString());
  }

  async ask(questions: readonly ToolQuestion[]): Promise<ToolAnswer[]> {
    this.child.stdin.write(Buffer.concat(questions.map(frame)));
    const answers: ToolAnswer[] = [];
    this.child.stdin.write('F');
    for (const _ of questions) {
      const head = await this.read(10);
      const sizes = [head.readUInt16LE(6), head.readUInt16LE(8)] as const;
      const texts = await this.read(sizes[0] + sizes[1]);
      answers.push({
        result: head.readUInt16LE(0),
        action: head.readUInt16LE(2),
        terminal: head.readUInt16LE(4),
        qname: texts.toString('latin1', 0, sizes[0]),
        client: texts.toString('latin1', sizes[0]),
      });
    }
    return answers;
  }

  close(): void {
    this.child.stdin.end();
  }
}

function frame({ roleSet, type, client, name, lists }: ToolQuestion): Buffer {
  const head = Buffer.alloc(23 + 32);
  const address = parseAddress(client) ?? Buffer.alloc(0);
  head.write('Q');
  head.writeUInt16LE(roleSet, 1);
  head.writeUInt16LE(type, 3);
  head.writeUInt8(address.length, 5);
  head.writeUInt8(name.length, 6);
  address.copy(head, 7);
  for (const id of lists) head[23 + (id >> 3)] = (head[23 + (id >> 3)] as number) | (1 << (id & 7));
  return Buffer.concat([head, name]);
}
