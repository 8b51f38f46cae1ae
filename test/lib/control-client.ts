// SPDX-License-Identifier: MPL-2.0
// A client of the control socket that may be as rude as a test needs it: reads line by line, or not at all, and
// sends bytes that are no request.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  /** The body, parsed. */
  body: unknown;
}

export async function ask(socket: string, method: string, path: string, body?: string): Promise<Answer> {
  const response = await open(socket, method, path, body);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const { statusCode: status = 0, headers } = response;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // NDJSON, or nothing.
  }
  return { status, headers, text, body: parsed };
}

/** The answer's head; its body is not read until somebody does. */
export function open(socket: string, method: string, path: string, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, method, path, agent: false }, resolve);
    asked.once('error', reject);
    asked.end(body);
  });
}

export const linesIn = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** A stream, line by line as it comes. */
export class LineReader {
  readonly lines: Record<string, unknown>[] = [];
  ended = false;

  private constructor(readonly response: IncomingMessage) {
    let rest = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.lines.push(JSON.parse(part));
    });
    response.on('close', () => {
      this.ended = true;
    });
    response.on('error', () => undefined);
  }

  static async open(socket: string, path: string, method = 'GET'): Promise<LineReader> {
    const response = await open(socket, method, path);
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
    return new LineReader(response);
  }

  of(type: string): Record<string, unknown>[] {
    return this.lines.filter((line) => line.type === type);
  }

  close(): void {
    this.response.destroy();
  }
}

/** Sends these bytes and resolves with everything that comes until the host closes. */
export async function raw(socket: string, bytes: string | Buffer): Promise<string> {
  const connection = await connected(socket);
  let text = '';
  connection.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  connection.on('error', () => undefined);
  connection.write(bytes);
  await new Promise((closed) => connection.once('close', closed)); // also after a reset
  return text;
}

export async function connected(path: string): Promise<Socket> {
  const connection = createConnection(path);
  await once(connection, 'connect');
  return connection;
}
