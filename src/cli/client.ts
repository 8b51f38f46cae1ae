// SPDX-License-Identifier: MPL-2.0
// The client of the control socket.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type Fault, type Refusal, routes } from '../host/control/api.js';
import { NnoeError, reasonOf } from '../host/errors.js';

/** A host that lives answers within this time, s. */
const patience = 10;
/** What is asked of a plugin may have it read large files, s. */
const longPatience = 600;

/** What the host answered instead of what was asked for. */
export class RemoteError extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message);
  }
}

export interface Received<T> {
  line: T;
  /** As it came, without its newline. */
  text: string;
}

type Query = Record<string, string | undefined>;

export class ControlClient {
  constructor(readonly socket: string) {}

  /** @throws NnoeError CONTROL_UNREACHABLE, CONTROL_ANSWER, CONTROL_CUT; RemoteError. */
  async get<T extends object>(path: string, query: Query = {}): Promise<T> {
    const response = await this.#ask('GET', path, query, AbortSignal.timeout(patience * 1000));
    return (await this.#document(response)) as T;
  }

  /** What a plugin answers when it is done. @throws as `get`. */
  async operate<T extends object>(plugin: string, operation: string, subject?: string): Promise<T> {
    const query = { plugin, operation, subject };
    const signal = AbortSignal.timeout(longPatience * 1000);
    const response = await this.#ask('POST', routes.operate, query, signal, longPatience);
    return (await this.#document(response)) as T;
  }

  /** What the host answers when it has done it. @throws as `get`. */
  async send<T extends object>(path: string, query: Query, body?: Buffer): Promise<T> {
    const signal = AbortSignal.timeout(patience * 1000);
    return (await this.#document(await this.#ask('POST', path, query, signal, patience, body))) as T;
  }

  /**
   * The lines of a stream, as many at a time as have come. Ends with the line `end`, or when `signal` aborts.
   * @throws as `get`.
   */
  async *stream<T extends { type: string }>(
    method: 'GET' | 'POST',
    path: string,
    query: Query,
    signal: AbortSignal,
  ): AsyncGenerator<Received<T>[]> {
    let last = '';
    try {
      const response = await this.#ask(method, path, query, signal);
      for await (const texts of linesOf(response)) {
        const lines = texts.map((text) => ({ line: this.#parse(text) as T, text }));
        last = lines.at(-1)?.line.type ?? last;
        const fault = last === 'error' ? lines.pop()?.line : undefined;
        if (lines.length > 0) yield lines;
        if (fault !== undefined) throw new RemoteError(fault as unknown as Fault);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof NnoeError || error instanceof RemoteError) throw error;
      throw new NnoeError('CONTROL_CUT', {}, error);
    }
    if (last !== 'end' && !signal.aborted) throw new NnoeError('CONTROL_CUT');
  }

  /** Resolves with an answer of 200. */
  async #ask(
    method: string,
    path: string,
    query: Query,
    signal: AbortSignal,
    seconds = patience,
    body?: Buffer,
  ): Promise<IncomingMessage> {
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
    const headers = body === undefined ? {} : { 'content-length': body.length };
    const options = { socketPath: this.socket, method, path: path + search, headers, signal, agent: false };
    const asked = request(options);
    const response = await this.#answer(asked, signal, seconds, body);
    if (response.statusCode === 200) return response;
    const { error } = (await this.#document(response)) as Partial<Refusal>;
    if (typeof error?.message === 'string') throw new RemoteError(error);
    throw this.#unreadable(`status ${response.statusCode}`);
  }

  /** @param seconds after which `signal` aborts, if it does so by itself. */
  async #answer(
    asked: ClientRequest,
    signal: AbortSignal,
    seconds: number,
    body?: Buffer,
  ): Promise<IncomingMessage> {
    try {
      return await new Promise((resolve, reject) => {
        asked.once('response', resolve);
        asked.on('error', reject);
        asked.end(body);
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code?.startsWith('HPE_')) throw this.#unreadable(reasonOf(error));
      if (code === 'ECONNRESET') throw new NnoeError('CONTROL_CUT', {}, error);
      const late = signal.aborted && (signal.reason as Error)?.name === 'TimeoutError';
      const reason = late ? `it took longer than ${seconds} s` : (inWords[code ?? ''] ?? reasonOf(error));
      throw new NnoeError('CONTROL_UNREACHABLE', { socket: this.socket, reason }, error);
    }
  }

  async #document(response: IncomingMessage): Promise<object> {
    let text = '';
    response.setEncoding('utf8');
    try {
      for await (const chunk of response) text += chunk;
    } catch (error) {
      throw new NnoeError('CONTROL_CUT', {}, error);
    }
    return this.#parse(text);
  }

  #parse(text: string): object {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value;
    } catch {
      // Said below.
    }
    throw this.#unreadable(`found ${JSON.stringify(text.slice(0, 60))}, expected a JSON object`);
  }

  #unreadable(reason: string): NnoeError {
    return new NnoeError('CONTROL_ANSWER', { socket: this.socket, reason });
  }
}

const inWords: Record<string, string> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nobody listens on it any more',
  EACCES: 'no permission; be root, or in the group of the socket',
  ENOTSOCK: 'it is no socket',
};

const newline = 0x0a;

/** Split at newlines alone: other separators may stand in texts. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string[]> {
  let rest: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      const part = chunk.subarray(from, at);
      lines.push((rest.length === 0 ? part : Buffer.concat([...rest, part])).toString('utf8'));
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
}
