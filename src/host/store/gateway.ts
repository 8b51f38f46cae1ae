// SPDX-License-Identifier: MPL-2.0
// etcd over its HTTP/JSON gateway, which every member serves beside gRPC: connections that are kept for calls, one
// of its own for each watch.
import { readFileSync } from 'node:fs';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { isIP, connect as plainConnect, type Socket } from 'node:net';
import { connect as secureConnect } from 'node:tls';
import { NnoeError, reasonOf } from '../errors.js';
import { StatusError } from './etcd-errors.js';
import type {
  Call,
  CallOptions,
  Member,
  MemberOptions,
  Protocol,
  Watch,
  WatchHandlers,
  WatchQuery,
} from './etcd-protocol.js';
import * as json from './gateway-json.js';
import { Lines } from './gateway-lines.js';

const call = <R>(path: string, body: Buffer, read: (bytes: Buffer) => R, size = body.length): Call<R> => ({
  path: `/v3/${path}`,
  body,
  size,
  read,
});

export const gatewayProtocol: Protocol = {
  name: 'etcd-gateway',
  member: (url, options) => new GatewayMember(url, options),
  range: (query) => call('kv/range', json.encodeRange(query), json.decodeRange),
  txn(compare, operations) {
    const body = json.encodeTxn(compare, operations);
    // What etcd counts are the bytes, not their base64 (4 for every 3).
    return call('kv/txn', body, json.decodeTxn, Math.floor((body.length * 3) / 4));
  },
  reads: (keys) => call('kv/txn', json.encodeReads(keys), json.decodeTxn),
  grant: (lease) => call('lease/grant', json.encodeGrant(lease), json.decodeHeader),
  login: (name, password) => call('auth/authenticate', json.encodeLogin(name, password), json.decodeLogin),
};

/** Calls at a time; more wait for a connection. */
const mostConnections = 16;

class GatewayMember implements Member {
  certificate: Buffer | undefined;
  readonly quiet: number;
  readonly #target: { host: string; port: string };
  readonly #secure: boolean;
  #agent: Agent;
  /** Connections for calls that stand. */
  #standing = 0;
  readonly #outstanding = new Set<ClientRequest>();

  constructor(
    readonly url: string,
    private readonly options: MemberOptions,
  ) {
    const { protocol, hostname, port } = new URL(url);
    this.#secure = protocol === 'https:';
    this.#target = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || (this.#secure ? '443' : '80'),
    };
    this.quiet = options.silence;
    this.#agent = this.#makeAgent();
  }

  get connected(): boolean {
    return this.#standing > 0;
  }

  #makeAgent(): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: mostConnections, scheduling: 'lifo' });
    return Object.assign(agent, {
      createConnection: (_: object, done: (error: unknown, socket?: Socket) => void) => {
        try {
          const socket = this.#connect();
          socket.once(this.#secure ? 'secureConnect' : 'connect', () => {
            this.#standing++;
            socket.once('close', () => this.#standing--);
          });
          done(null, socket);
        } catch (error) {
          done(error);
        }
      },
    });
  }

  /** @throws NnoeError STORE_CERTIFICATE. */
  #connect(): Socket {
    // The system's probes find peers that are gone; those that are silent are found by time-outs.
    const options = { ...this.#target, port: Number(this.#target.port), noDelay: true, keepAlive: true };
    const probing = { keepAliveInitialDelay: this.options.silence };
    if (!this.#secure) return plainConnect({ ...options, ...probing });
    const servername = isIP(options.host) ? '' : options.host;
    return secureConnect({ ...options, ...probing, ...this.#files(), servername });
  }

  /** Read for each connection, so that renewed certificates are used without a restart. */
  #files() {
    const { ca, cert, key } = this.options.tls;
    const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
    try {
      this.certificate = read(cert);
      return { ca: read(ca), cert: this.certificate, key: read(key) };
    } catch (error) {
      throw new NnoeError('STORE_CERTIFICATE', { endpoint: this.url, reason: reasonOf(error) }, error);
    }
  }

  /** @param agent undefined: a connection of its own, which ends with the answer. */
  #request(path: string, body: Buffer, headers: Record<string, string>, agent: Agent | undefined) {
    // TLS is the connections' business, so that this is the same for both.
    const outgoing = request({
      ...this.#target,
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers },
      ...(agent === undefined ? { createConnection: () => this.#connect() } : { agent }),
    });
    this.#outstanding.add(outgoing);
    outgoing.once('close', () => this.#outstanding.delete(outgoing));
    outgoing.end(body);
    return outgoing;
  }

  async call(path: string, body: Buffer, { token, timeout, signal }: CallOptions): Promise<Buffer> {
    signal?.throwIfAborted();
    const outgoing = this.#request(path, body, authorization(token), this.#agent);
    const late = setTimeout(() => outgoing.destroy(new StatusError(4, 'no answer')), timeout);
    const abort = () => outgoing.destroy(new StatusError(1, 'aborted'));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const { statusCode = 0, content } = await answer(outgoing);
      if (statusCode !== 200) throw json.refusal(statusCode, path, content);
      return content;
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    }
  }

  watch(query: WatchQuery, token: string | undefined, handlers: WatchHandlers): Watch {
    const path = '/v3/watch';
    // Makes a member that was cut off from the others end the watch.
    const headers = { ...authorization(token), 'grpc-metadata-hasleader': 'true' };
    const outgoing = this.#request(path, json.encodeWatch(query), headers, undefined);
    let over = false;
    let response: IncomingMessage | undefined;
    const fail = (error: unknown) => {
      if (over) return;
      over = true;
      outgoing.destroy();
      handlers.failed(unavailable(error));
    };
    const lines = new Lines((line) => {
      if (!over) handlers.reply(json.decodeWatch(line));
    });
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      response = incoming;
      if (incoming.statusCode !== 200) {
        collect(incoming).then(
          (content) => fail(json.refusal(incoming.statusCode ?? 0, path, content)),
          fail,
        );
        return;
      }
      incoming.on('error', fail);
      incoming.on('close', () => fail(new Error('the watch was ended')));
      incoming.on('data', (chunk: Buffer) => {
        try {
          lines.push(chunk);
        } catch (error) {
          fail(error);
        }
      });
    });
    return {
      pause: () => response?.pause(),
      resume: () => response?.resume(),
      close: () => {
        over = true;
        outgoing.destroy();
      },
    };
  }

  reset(): void {
    const old = this.#agent;
    this.#agent = this.#makeAgent();
    // Connections in use are given up when their answer has come.
    old.maxFreeSockets = 0;
    for (const sockets of Object.values(old.freeSockets)) for (const each of sockets ?? []) each.destroy();
  }

  resetWatches(): void {
    // Each watch has its own connection.
  }

  close(): void {
    for (const each of this.#outstanding) each.destroy(new StatusError(1, 'closed'));
    this.#agent.destroy();
  }
}

const authorization = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: token };

/** Errors of sockets as what they mean for a call. */
function unavailable(error: unknown): unknown {
  if (error instanceof NnoeError || error instanceof StatusError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  return new StatusError(14, message || code || 'the connection failed', error);
}

function answer(outgoing: ClientRequest): Promise<{ statusCode: number | undefined; content: Buffer }> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(unavailable(error));
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const { statusCode } = incoming;
      collect(incoming).then((content) => resolve({ statusCode, content }), fail);
    });
  });
}

/** Rejects when the connection ends before the body does. */
function collect(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => resolve(Buffer.concat(chunks)));
    incoming.on('error', reject);
    incoming.on('close', () => reject(new Error('the connection ended in the middle of an answer')));
  });
}
