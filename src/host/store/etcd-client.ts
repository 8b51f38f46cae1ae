// SPDX-License-Identifier: MPL-2.0
// Calls to a cluster: which member, with which login, how long, how often; and what the answers say about the
// cluster. A call is tried until it is answered, its signal aborts, or no retry can mend the error.
import { setMaxListeners } from 'node:events';
import { NnoeError, reasonOf } from '../errors.js';
import { backOff } from './backoff.js';
import { classify } from './etcd-errors.js';
import type {
  Call,
  Header,
  Member,
  Protocol,
  Reply,
  TlsFiles,
  Watch,
  WatchHandlers,
  WatchQuery,
} from './etcd-protocol.js';
import type { StoreHealth, StoreObserver } from './store.js';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`. */
  endpoints: string[];
  user?: string | undefined;
  /** Called at every login, so that a changed password is picked up. */
  password?: (() => string) | undefined;
  tls?: TlsFiles | undefined;
  /** Time for an attempt on a member that is not connected yet, s. */
  connectTimeout?: number;
  /** Time for an attempt on a connected member, s. */
  requestTimeout?: number;
  /** A connection on which nothing was heard for this long is asked for a sign of life, or replaced, s. */
  silence?: number;
  /** Above every key in use: where the host asks whether the store answers. */
  root?: string;
}

/** Resolves with the token; undefined where the cluster has no authentication. */
type Login = Promise<string | undefined>;

/** What an attempt was made with. */
interface Attempt {
  member: Member;
  login: Login | undefined;
  /** On a connection that stood. */
  stood: boolean;
}

/** Of one call. */
interface Tries {
  made: number;
  /** In a row, for the pauses between them. */
  failures: number;
  /** Monotonic ms of the last one. */
  failedAt: number;
}

export interface OpenWatch {
  watch: Watch;
  /** See Member. */
  quiet: number | undefined;
  /** To be told what ended the watch: the next one goes to another member. */
  lost(thrown: unknown): NnoeError;
}

export class EtcdClient {
  readonly #members: Member[];
  #at = 0;
  readonly #protocol: Protocol;
  readonly #options: EtcdOptions;
  readonly #connectMs: number;
  readonly #requestMs: number;
  #login: Login | undefined;
  readonly #closing = new AbortController();
  /** Calls that have failed at least once and are still being tried, latest last. */
  readonly #troubled = new Map<object, NnoeError>();
  /** Follows whose watch does not stand, latest last. */
  readonly #interrupted = new Map<object, NnoeError>();
  #cluster: string | undefined;
  #revision = 0;
  /** Monotonic ms of the last answer; 0: none yet. */
  lastAnswer = 0;
  observer: StoreObserver | undefined;
  readonly #resets = new Set<() => void>();

  constructor(protocol: Protocol, options: EtcdOptions) {
    setMaxListeners(0, this.closing); // one for each call that waits to be tried again
    this.#protocol = protocol;
    this.#options = options;
    this.#connectMs = (options.connectTimeout ?? 5) * 1000;
    this.#requestMs = (options.requestTimeout ?? 10) * 1000;
    const silence = (options.silence ?? 15) * 1000;
    this.#members = options.endpoints.map((url) => protocol.member(url, { tls: options.tls ?? {}, silence }));
    if (this.#members.length === 0)
      throw new NnoeError('STORE_INVALID', { endpoint: '-', reason: 'no endpoints' });
  }

  get requestMs(): number {
    return this.#requestMs;
  }

  /** Id of the cluster that answered last, empty when it names none; undefined: none has. */
  get cluster(): string | undefined {
    return this.#cluster ?? (this.lastAnswer === 0 ? undefined : '');
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  health(): StoreHealth {
    const trouble = [...this.#troubled.values()].at(-1);
    if (trouble !== undefined) return { state: 'down', code: trouble.code, reason: trouble.message };
    if (this.lastAnswer === 0) return { state: 'starting', reason: 'connecting to etcd' };
    const cut = [...this.#interrupted.values()].at(-1);
    if (cut !== undefined)
      return { state: 'degraded', code: cut.code, reason: `changes are not told of: ${cut.message}` };
    return { state: 'ok', reason: `etcd at ${this.#current().url} answers` };
  }

  #current(): Member {
    return this.#members[this.#at] as Member;
  }

  #attempt(): Attempt {
    const member = this.#current();
    return { member, login: undefined, stood: member.connected };
  }

  /**
   * The answer's header is checked against what was known when the call was sent: all our calls are
   * linearizable, so a lower revision means that the store lost data.
   * @param again called before every attempt but the first; what it throws ends the call.
   */
  async request<R extends Reply>(call: Call<R>, signal?: AbortSignal, again?: () => void): Promise<R> {
    const tries: Tries = { made: 1, failures: 0, failedAt: Number.POSITIVE_INFINITY };
    for (; ; tries.made++) {
      if (this.closing.aborted) throw new NnoeError('STORE_CLOSED');
      signal?.throwIfAborted();
      const floor = this.#revision;
      const attempt = this.#attempt();
      try {
        const reply = call.read(await this.#send(attempt, call, signal));
        if (tries.made > 1) this.#troubled.delete(call);
        this.lastAnswer = performance.now();
        this.observe(reply.header, floor);
        return reply;
      } catch (thrown) {
        await this.#failed(thrown, attempt, call, tries, signal);
        this.#tryAgain(call, again);
      }
    }
  }

  #tryAgain(call: Call<unknown>, again: (() => void) | undefined): void {
    try {
      again?.();
    } catch (error) {
      this.#troubled.delete(call);
      throw error;
    }
    this.observer?.retried();
  }

  async #send(attempt: Attempt, call: Call<unknown>, signal: AbortSignal | undefined): Promise<Buffer> {
    const { member } = attempt;
    const token = await this.#tokenFor(attempt);
    const timeout = member.connected ? this.#requestMs : Math.min(this.#connectMs, this.#requestMs);
    return member.call(call.path, call.body, { token, timeout, signal });
  }

  /** Sees to it that the next attempt can do better; throws when there is to be none. */
  async #failed(
    thrown: unknown,
    attempt: Attempt,
    call: Call<unknown>,
    tries: Tries,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.closing.aborted) throw new NnoeError('STORE_CLOSED');
    const { member } = attempt;
    const trouble = this.#understand(thrown, attempt);
    if (!signal?.aborted) this.observer?.failed(trouble.code);
    // A connection whose peer went silent would be used again, and connections keep their certificates.
    if (trouble.code === 'STORE_TIMEOUT' || trouble.code === 'STORE_CERTIFICATE') member.reset();
    // These two are for the caller: the same question would get the same answer.
    const answered = trouble.code === 'STORE_COMPACTED' || trouble.code === 'STORE_LEASE';
    if (signal?.aborted || !trouble.retry || answered) {
      this.#troubled.delete(call);
      throw signal?.aborted ? signal.reason : trouble;
    }
    if (trouble.code === 'STORE_TOKEN' && tries.made === 1) return;
    this.#moveOn(member);
    // The end of a connection that stood does not say that a new one cannot be had.
    const cut = trouble.code === 'STORE_UNREACHABLE';
    if (cut && tries.made === 1 && attempt.stood) return;
    this.#troubled.delete(call);
    this.#troubled.set(call, trouble);
    // Others were answered meanwhile: longer pauses would not mend a network that lets some through.
    tries.failures = cut && this.lastAnswer > tries.failedAt ? 1 : tries.failures + 1;
    tries.failedAt = performance.now();
    const cycle = Math.ceil(tries.failures / this.#members.length);
    try {
      await backOff(cycle, signal ? AbortSignal.any([signal, this.closing]) : this.closing);
    } catch {
      this.#troubled.delete(call);
      throw this.closing.aborted ? new NnoeError('STORE_CLOSED') : signal?.reason;
    }
  }

  #understand(thrown: unknown, { member, login }: Attempt): NnoeError {
    const seconds = (member.connected ? this.#requestMs : this.#connectMs) / 1000;
    const trouble = classify(thrown, { endpoint: member.url, certificate: member.certificate, seconds });
    const refused = ['STORE_TOKEN', 'STORE_AUTH_FAILED', 'STORE_DENIED'].includes(trouble.code);
    // Of several calls that were refused together, only the first throws the login away.
    if (refused && login === this.#login) this.#login = undefined;
    return trouble;
  }

  /** Uses the next member from now on, unless somebody has moved on from this one already. */
  #moveOn(member: Member): void {
    if (this.#current() === member) this.#at = (this.#at + 1) % this.#members.length;
  }

  async #tokenFor(attempt: Attempt): Login {
    if (this.#options.user === undefined) return undefined;
    this.#login ??= this.#logIn(attempt.member);
    const login = this.#login;
    attempt.login = login;
    try {
      return await login;
    } catch (error) {
      if (this.#login === login) this.#login = undefined;
      throw error;
    }
  }

  async #logIn(member: Member): Login {
    let password: string;
    try {
      password = this.#options.password?.() ?? '';
    } catch (error) {
      throw new NnoeError('STORE_AUTH_FAILED', { endpoint: member.url, reason: reasonOf(error) }, error);
    }
    const call = this.#protocol.login(this.#options.user ?? '', password);
    const timeout = Math.min(this.#connectMs, this.#requestMs);
    try {
      return call.read(await member.call(call.path, call.body, { token: undefined, timeout })).token;
    } catch (error) {
      // As etcd's own clients do: a cluster without authentication takes everybody.
      if (!/authentication is not enabled/.test(reasonOf(error))) throw error;
      return undefined;
    }
  }

  /** Another cluster, or a revision below one that was seen before the question was sent: another store. */
  observe(header: Header, floor: number): void {
    // Nothing to go by; only a proxy that leaves headers out would do that.
    if (header.cluster === '') return;
    const known = this.#cluster;
    this.#cluster = header.cluster;
    if (known !== undefined && (known !== header.cluster || header.revision < floor)) {
      this.#revision = header.revision;
      for (const listener of [...this.#resets]) listener();
    } else if (header.revision > this.#revision) this.#revision = header.revision;
  }

  onReset(listener: () => void): () => void {
    this.#resets.add(listener);
    return () => this.#resets.delete(listener);
  }

  /**
   * A watch at the member in use.
   * @throws NnoeError when it could not even be begun; the next one goes to another member.
   */
  async watch(query: WatchQuery, handlers: WatchHandlers): Promise<OpenWatch> {
    const attempt = this.#attempt();
    const { member } = attempt;
    const lost = (thrown: unknown): NnoeError => {
      member.resetWatches();
      this.#moveOn(member);
      const trouble = this.#understand(thrown, attempt);
      this.observer?.failed(trouble.code);
      return trouble;
    };
    try {
      const token = await this.#tokenFor(attempt);
      return { watch: member.watch(query, token, handlers), quiet: member.quiet, lost };
    } catch (error) {
      throw lost(error);
    }
  }

  /** What keeps a follow from being told of changes; undefined: nothing any more. */
  interrupted(follow: object, trouble: NnoeError | undefined): void {
    this.#interrupted.delete(follow);
    if (trouble !== undefined) this.#interrupted.set(follow, trouble);
  }

  close(): void {
    this.#closing.abort();
    for (const member of this.#members) member.close();
  }
}
