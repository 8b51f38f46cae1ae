// SPDX-License-Identifier: MPL-2.0
// What the service manager is told (sd_notify): that the host has started, how it is, that it lives, that it
// stops. Started, for systemd, means: the configuration holds, the addon fits, the port is ours, and journals
// are being watched for and read. It does not mean that the store or Kea is there: waiting for those is
// the host's work, not a start that failed. Whoever wants to wait for more asks /ready.
import { NnoeError, reasonOf } from './errors.js';
import { type Logger, sayError } from './log.js';
import type { Native } from './native.js';

/** What could not be sent goes again after this, ms. */
const again = 1000;
/** Characters of a status line; systemctl shows one. */
const longestStatus = 300;
/** Added to what stopping may take, s: the process still has to end. */
const margin = 5;

export class ServiceManager {
  readonly #notify: Native['notify'];
  readonly #log: Logger;
  /** Empty: nobody listens. */
  readonly #socket: string;
  /** Last of each variable that has not been taken yet. */
  readonly #pending = new Map<string, string>();
  #status = '';
  #watchdog: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #complained = false;

  /** Takes NOTIFY_SOCKET and the watchdog's variables out of `env`, so that no child speaks for the host. */
  constructor(env: NodeJS.ProcessEnv, addon: Pick<Native, 'notify'>, log: Logger) {
    this.#notify = addon.notify;
    this.#log = log;
    const { NOTIFY_SOCKET = '', WATCHDOG_USEC = '', WATCHDOG_PID = String(process.pid) } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    this.#socket = NOTIFY_SOCKET;
    const microseconds = Number(WATCHDOG_USEC);
    if (this.#socket === '' || WATCHDOG_PID !== String(process.pid) || !(microseconds > 0)) return;
    // From the event loop: when that no longer turns, systemd hears nothing and starts the host again.
    this.#watchdog = setInterval(() => this.#send('WATCHDOG=1'), Math.max(1, microseconds / 2000));
    this.#watchdog.unref();
    this.#send('WATCHDOG=1');
  }

  ready(): void {
    this.#set('READY', '1');
  }

  /** One line; sent when it is another than the last. */
  status(line: string): void {
    const status = line.replace(/\s+/g, ' ').slice(0, longestStatus);
    if (status === this.#status) return;
    this.#status = status;
    this.#set('STATUS', status);
  }

  /** @param seconds what it may take; more than TimeoutStopSec= is asked for. */
  stopping(seconds: number): void {
    this.#pending.set('EXTEND_TIMEOUT_USEC', String(Math.ceil((seconds + margin) * 1e6)));
    this.#set('STOPPING', '1');
  }

  close(): void {
    clearInterval(this.#watchdog);
    clearTimeout(this.#retry);
  }

  #set(name: string, value: string): void {
    if (this.#socket === '') return;
    this.#pending.set(name, value);
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#retry);
    const lines = [...this.#pending].map(([name, value]) => `${name}=${value}`);
    if (this.#send(lines.join('\n'))) this.#pending.clear();
    else this.#retry = setTimeout(() => this.#flush(), again).unref();
  }

  #send(message: string): boolean {
    try {
      const taken = this.#notify(this.#socket, message);
      if (taken) this.#complained = false;
      return taken;
    } catch (error) {
      if (!this.#complained) {
        const details = { socket: this.#socket, reason: reasonOf(error) };
        sayError(this.#log, new NnoeError('SERVICE_NOTIFY', details, error));
      }
      this.#complained = true;
      return false;
    }
  }
}
