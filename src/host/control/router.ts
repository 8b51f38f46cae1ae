// SPDX-License-Identifier: MPL-2.0
// What may be asked over the control socket: method, path and parameters, each refused by name when it is wrong.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NnoeError } from '../errors.js';
import type { Operations } from '../plugin.js';
import type { Store, StoreHealth } from '../store/store.js';
import type { Source } from '../streams/source.js';
import type { TablesService } from '../tables/service.js';
import { type Fault, type PluginList, routes, type StatusReport } from './api.js';
import {
  addressFilter,
  addressHint,
  everything,
  type LeaseFilter,
  networkFilter,
  networkHint,
} from './filter.js';
import { LeaseFeeds } from './lease-feed.js';
import { type LeaseSource, leasePages } from './lease-list.js';
import { watchLeases } from './lease-watch.js';
import type { ControlLimits } from './limits.js';
import { Lines } from './lines.js';
import { operate } from './operate.js';
import { badRequest, faultOf, helpOf, Refused } from './refusal.js';
import { resync } from './resync.js';
import { bodyOf, deleteKey, listKeys, readKey, type StoreAccess, writeKey } from './store.js';
import { clientReport, rolesReport } from './tables.js';

/** What the socket shows of the host. */
export interface ControlTarget {
  status(): StatusReport;
  plugins(): PluginList;
  store: Store;
  /** Above every key, without a slash at its end. */
  root: string;
  sources: readonly Source[];
  /** By plugin that is enabled; undefined: it does not run now. */
  operations(): Record<string, Operations | undefined>;
  tables: TablesService;
}

interface Route {
  method: 'GET' | 'POST';
  parameters: readonly string[];
  /** Most bytes of it; default none. */
  body?: number;
  answer(query: URLSearchParams, response: ServerResponse, request: IncomingMessage): void | Promise<void>;
}

export class Router {
  readonly #target: ControlTarget;
  readonly #limits: ControlLimits;
  readonly #feeds: LeaseFeeds;
  readonly #leases: LeaseSource;
  readonly #streams = new Set<Lines>();
  readonly #routes: Record<string, Route>;

  constructor(target: ControlTarget, limits: ControlLimits) {
    this.#target = target;
    this.#limits = limits;
    this.#feeds = new LeaseFeeds(target.store);
    this.#leases = { store: target.store, prefix: `${target.root}/dhcp/leases/`, limits };
    this.#routes = {
      [routes.status]: {
        method: 'GET',
        parameters: [],
        answer: (_, response) => json(response, target.status()),
      },
      [routes.plugins]: {
        method: 'GET',
        parameters: [],
        answer: (_, response) => json(response, target.plugins()),
      },
      [routes.roles]: {
        method: 'GET',
        parameters: ['client'],
        answer: async (query, response) => {
          const client = query.get('client');
          const { tables } = target;
          json(response, client === null ? await rolesReport(tables) : clientReport(tables, client));
        },
      },
      [routes.leases]: {
        method: 'GET',
        parameters: ['address', 'prefix', 'watch', 'snapshot'],
        answer: (query, response) => this.#leasesRoute(query, response),
      },
      [routes.resync]: {
        method: 'POST',
        parameters: ['source', 'wait'],
        answer: (query, response) => this.#resyncRoute(query, response),
      },
      ...this.#storeRoutes(),
      [routes.report]: {
        method: 'GET',
        parameters: ['plugin', 'subject'],
        answer: async (query, response) =>
          json(response, await operate(target.operations(), query, 'report')),
      },
      [routes.operate]: {
        method: 'POST',
        parameters: ['plugin', 'operation', 'subject'],
        answer: async (query, response) => json(response, await operate(target.operations(), query)),
      },
    };
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** @throws Refused. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = target(request.url ?? '');
    const route = this.#routes[pathname];
    if (route === undefined)
      throw badRequest(`path: found ${shown(pathname)}, expected ${list(Object.keys(this.#routes))}`, 404);
    if (request.method !== route.method)
      throw badRequest(`method: found ${request.method}, expected ${route.method}`, 405, {
        allow: route.method,
      });
    const length = request.headers['content-length'];
    const hasBody = (length !== undefined && length !== '0') || request.headers['transfer-encoding'];
    if (hasBody && route.body === undefined) throw badRequest('body: found one, expected none', 413);
    checkParameters(searchParams, route.parameters);
    await route.answer(searchParams, response, request);
  }

  /** Ends every stream, saying why. */
  close(): void {
    const stopping = new NnoeError('CONTROL_STOPPING');
    for (const lines of this.#streams) lines.fail(stopping);
    this.#feeds.close();
  }

  #storeRoutes(): Record<string, Route> {
    const { store, root } = this.#target;
    const access: StoreAccess = { store, root, storeMs: this.#limits.storeMs };
    const body = this.#limits.valueBytes;
    // Whatever is asked would wait for as long as the store is away.
    const answer =
      (work: (given: string, request: IncomingMessage) => Promise<object>, name = 'key'): Route['answer'] =>
      async (query, response, request) => {
        if (store.health().state === 'down') throw new Refused(503, storeFault(store.health()));
        json(response, await work(query.get(name) ?? '', request));
      };
    const key = ['key'];
    return {
      [routes.storeGet]: { method: 'GET', parameters: key, answer: answer((each) => readKey(access, each)) },
      [routes.storeList]: {
        method: 'GET',
        parameters: ['prefix'],
        answer: answer((each) => listKeys(access, each), 'prefix'),
      },
      [routes.storePut]: {
        method: 'POST',
        parameters: key,
        body,
        answer: answer(async (each, request) => writeKey(access, each, await bodyOf(request, body))),
      },
      [routes.storeDelete]: {
        method: 'POST',
        parameters: key,
        answer: answer((each) => deleteKey(access, each)),
      },
    };
  }

  async #leasesRoute(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const filter = filterOf(query);
    const watch = flag(query, 'watch', false);
    const snapshot = flag(query, 'snapshot', false);
    if (query.has('snapshot') && !watch) throw badRequest('snapshot: found it without watch=1');
    const { store } = this.#target;
    // Reading would wait for as long as the store is away.
    if (store.health().state === 'down') throw new Refused(503, storeFault(store.health()));
    const { feeds, source } = { feeds: this.#feeds, source: this.#leases };
    await this.#stream(response, async (lines) => {
      if (watch) await watchLeases({ feeds, source, filter, snapshot, lines });
      let count = 0;
      let revision = 0;
      for await (const page of leasePages(source, filter, lines.signal)) {
        count += page.count;
        revision = page.revision;
        if (page.text !== '') await lines.write(page.text);
      }
      await lines.line({ type: 'end', count, revision });
    });
  }

  async #resyncRoute(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const { sources } = this.#target;
    const wanted = query.get('source');
    if (sources.length === 0) throw new Refused(409, faultOf(new NnoeError('CONTROL_NO_JOURNAL')));
    const chosen = sources.filter(({ name }) => wanted === null || name === wanted);
    if (chosen.length === 0) refuse('source', wanted ?? '', list(sources.map(({ name }) => name)), 404);
    const waits = flag(query, 'wait', true);
    await this.#stream(response, (lines) => resync(chosen, waits, lines));
  }

  async #stream(response: ServerResponse, work: (lines: Lines) => Promise<void>): Promise<void> {
    const { streams, stallMs } = this.#limits;
    if (this.#streams.size >= streams)
      throw new Refused(503, faultOf(new NnoeError('CONTROL_STREAMS', { count: streams })), {
        'retry-after': '1',
      });
    const lines = new Lines(response, stallMs);
    this.#streams.add(lines);
    lines.signal.addEventListener('abort', () => this.#streams.delete(lines), { once: true });
    try {
      await work(lines);
      lines.end();
    } catch (error) {
      lines.fail(error);
    }
  }
}

const storeFault = ({ state, code, reason }: StoreHealth): Fault => ({
  code: code ?? 'CONTROL_STORE',
  message: reason || `the store is ${state}`,
  help: helpOf(code ?? 'CONTROL_STORE') ?? '',
});

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function target(url: string): URL {
  try {
    return new URL(url, 'http://host');
  } catch {
    throw badRequest(`path: found ${shown(url)}, which is none`);
  }
}

function checkParameters(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name))
      throw badRequest(
        `parameter: found ${shown(name)}, expected ${known.length > 0 ? list(known) : 'none'}`,
      );
    if (query.getAll(name).length > 1) throw badRequest(`${name}: found it more than once, expected once`);
  }
}

function flag(query: URLSearchParams, name: string, fallback: boolean): boolean {
  const value = query.get(name);
  if (value === null) return fallback;
  if (value !== '0' && value !== '1') throw badRequest(`${name}: found ${shown(value)}, expected 0 or 1`);
  return value === '1';
}

function filterOf(query: URLSearchParams): LeaseFilter {
  const address = query.get('address');
  const prefix = query.get('prefix');
  if (address !== null && prefix !== null)
    throw badRequest('prefix: found it beside address, expected one of them');
  if (address !== null) return addressFilter(address) ?? refuse('address', address, addressHint);
  if (prefix !== null) return networkFilter(prefix) ?? refuse('prefix', prefix, networkHint);
  return everything;
}

function refuse(name: string, found: string, expected: string, status = 400): never {
  throw badRequest(`${name}: found ${shown(found)}, expected ${expected}`, status);
}

const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
const list = (names: readonly string[]) =>
  names.length > 1 ? `one of ${names.join(', ')}` : (names[0] ?? '');
