// SPDX-License-Identifier: MPL-2.0
// The receiving end of sd_notify: a Unix datagram socket, which Node cannot open; python3 can.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const program = `
import json, socket, sys, time
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind("\\0" + name[1:] if name.startswith("@") else name)
print(json.dumps({"bound": True}), flush=True)
sys.stdin.readline()
while True:
    text, ancillary, flags, address = receiver.recvmsg(65536, 1024)
    pid = int.from_bytes(ancillary[0][2][:4], sys.byteorder) if ancillary else 0
    print(json.dumps({"text": text.decode(), "at": time.monotonic() * 1000, "pid": pid}), flush=True)
`;

export interface Told {
  text: string;
  /** Monotonic ms of the receiver. */
  at: number;
  /** Of the sender, as the kernel says. */
  pid: number;
}

const receivers = new Set<ChildProcess>();

/** Ends whatever a failed test left running. */
export function killReceivers(): void {
  for (const child of receivers) child.kill('SIGKILL');
}

export class Receiver {
  readonly told: Told[] = [];

  private constructor(
    /** For NOTIFY_SOCKET. */
    readonly socket: string,
    private readonly child: ChildProcess,
  ) {}

  /** Bound, and not reading until `read`. @param socket a path, or `@` and an abstract name. */
  static async start(socket: string): Promise<Receiver> {
    const child = spawn('python3', ['-c', program, socket], { stdio: ['pipe', 'pipe', 'inherit'] });
    receivers.add(child);
    child.once('exit', () => receivers.delete(child));
    const receiver = new Receiver(socket, child);
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (status) => reject(new Error(`the receiver ended with ${status}`)));
      child.once('error', reject);
      createInterface(child.stdout as NonNullable<typeof child.stdout>).on('line', (line) => {
        const said = JSON.parse(line) as Told & { bound?: true };
        if (said.bound) resolve();
        else receiver.told.push(said);
      });
    });
    return receiver;
  }

  read(): this {
    this.child.stdin?.write('\n');
    return this;
  }

  /** Lines of all datagrams, in order, without the watchdog's. */
  get lines(): string[] {
    return this.told.flatMap(({ text }) => text.split('\n')).filter((line) => line !== 'WATCHDOG=1');
  }

  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}
