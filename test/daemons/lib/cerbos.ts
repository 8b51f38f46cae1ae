// SPDX-License-Identifier: MPL-2.0
// A Cerbos that somebody else runs: policies in memory, changed through its Admin API, gone when it ends.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRPC } from '@cerbos/grpc';
import { cerbosBinary } from '../../../src/plugins/policies/pdp/binary.js';
import { type Proc, start, until } from './process.js';
import { temporary } from './workspace.js';

export class Cerbos {
  /** What its Admin API asks for by default. */
  readonly user = 'cerbos';
  readonly password = 'cerbosAdmin';
  readonly client: GRPC;
  private proc: Proc | undefined;

  private constructor(readonly directory: string) {
    const adminCredentials = { username: this.user, password: this.password };
    this.client = new GRPC(this.address, { tls: false, adminCredentials });
  }

  static async start(): Promise<Cerbos> {
    const cerbos = new Cerbos(temporary('cerbos'));
    writeFileSync(join(cerbos.directory, 'password'), `${cerbos.password}\n`, { mode: 0o600 });
    await cerbos.begin();
    return cerbos;
  }

  get address(): string {
    return `unix:${this.directory}/grpc`;
  }
  get passwordFile(): string {
    return join(this.directory, 'password');
  }

  /** With no policies. */
  async begin(): Promise<void> {
    const file = join(this.directory, 'cerbos.json');
    const config = {
      server: {
        grpcListenAddr: this.address,
        httpListenAddr: `unix:${this.directory}/http`,
        adminAPI: { enabled: true },
      },
      storage: { driver: 'sqlite3', sqlite3: { dsn: 'file::memory:?cache=shared' } },
      telemetry: { disabled: true },
    };
    writeFileSync(file, JSON.stringify(config));
    this.proc = start({
      name: 'cerbos',
      command: cerbosBinary(),
      args: ['server', `--config=${file}`],
      directory: this.directory,
    });
    await until('Cerbos to answer', () =>
      this.client.checkHealth().then(
        () => true,
        () => undefined,
      ),
    );
  }

  async kill(): Promise<void> {
    await this.proc?.kill();
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.proc?.stop();
  }
}
