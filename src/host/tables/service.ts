// SPDX-License-Identifier: MPL-2.0
// The owner of a tables directory: takes what plugins hand over, and publishes generations of it.
//
// A table whose plugin has handed nothing over since the host started stays as it is on disk; that of a plugin that
// is not enabled any more is taken away. What cannot be written is tried again and harms nobody: the generation of
// before is complete in itself.
import type { AnswerConfig } from '../config.js';
import { NnoeError, reasonOf } from '../errors.js';
import { type Logger, say, sayError } from '../log.js';
import type {
  Generation,
  PolicyQuestion,
  PolicyRuling,
  TableName,
  TableProvider,
  Tables,
} from '../plugin/tables.js';
import { type ActionRecord, type AnswerDefaults, type Decider, parseAction } from './actions.js';
import { Batch } from './batch.js';
import { bridgeTrouble, stuckTrouble, type TablesHealth } from './health.js';
import { type NameChannel, Names } from './names-table.js';
import type {
  BridgeStatus,
  Buildable,
  ClientMatch,
  NativeTables,
  Published,
  SectionState,
} from './native.js';
import { OpenTables } from './open-tables.js';
import { Programs } from './programs-table.js';
import { RoleMappings } from './roles-table.js';

export interface TablesObserver {
  /** A generation was built and written in so many seconds. */
  published(seconds: number): void;
  failed(code: string): void;
}

export interface TablesOptions {
  directory: string;
  /** What enabled plugins publish. */
  tables: ReadonlySet<TableName>;
  answers: Readonly<Record<string, AnswerConfig>>;
  defaults: AnswerDefaults;
  log: Logger;
  /** Opens the directory. @throws Error with `code` TABLES_BUSY, or whatever keeps it from being used. */
  open(directory: string): NativeTables;
  /** Another process has the directory. */
  busy(error: NnoeError): void;
  /** What each dnsdist says of itself. */
  bridges?(): readonly BridgeStatus[];
  /** Why that is not known, or why they cannot ask. */
  bridgesUnknown?(): NnoeError | undefined;
  observer?: TablesObserver;
  /** First pause after a failure, ms; default 1000. */
  pause?: number;
  /** How often the directory is looked at, ms; default 1000. */
  lookEvery?: number;
}

/** How often the directory is looked at, ms. */
const lookEvery = 1000;
/** A base that could not be built is tried again after, ms. */
const rebuildPause = 10_000;

export class TablesService implements TableProvider {
  readonly #options: TablesOptions;
  readonly #batch: Batch;
  readonly #roles: RoleMappings;
  readonly #names: Names;
  readonly #programs: Programs;
  #opened: OpenTables | undefined;
  readonly #waiting = new Set<(opened: OpenTables) => void>();
  /** Lives that hand over to a table: each ends when everything has to be handed over again. */
  readonly #lives = new Set<(error: unknown) => void>();
  /** What keeps generations from being written. */
  #trouble: NnoeError | undefined;
  /** What there was no number for. */
  #full: NnoeError | undefined;
  /** Why what was there is not used; until something is published. */
  #damaged: NnoeError | undefined;
  #last: Pick<Published, 'generation' | 'sections' | 'createdUs'> | undefined;
  #rebuilding = new Set<Buildable>();
  #look: NodeJS.Timeout | undefined;
  /** Why the directory has to be made again. */
  #lost: NnoeError | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TablesOptions) {
    this.#options = options;
    this.#batch = new Batch({
      publish: () => this.#publish(),
      failed: (error) => this.#failed(error),
      ...(options.pause === undefined ? {} : { firstPause: options.pause }),
    });
    const changed = () => this.#batch.ask();
    const published = () => this.#batch.published();
    this.#roles = new RoleMappings({ changed, published });
    this.#names = new Names({ changed, published, ...this.#nameChannel() });
    this.#programs = new Programs({
      published,
      action: (text) => this.#policyAction(text),
      publish: (section) => this.#publishPrograms(section),
    });
  }

  /** Opens the directory, or goes on trying to; where nobody publishes, it is left alone. */
  start(): void {
    if (this.#options.tables.size === 0) return;
    this.#batch.ask();
    this.#look = setInterval(() => this.#lookAfter(), this.#options.lookEvery ?? lookEvery).unref();
  }

  open<N extends TableName>(table: N, signal: AbortSignal, fail: (error: unknown) => void): Tables[N] {
    const end = (error: unknown) => fail(error);
    this.#lives.add(end);
    signal.addEventListener('abort', () => this.#lives.delete(end), { once: true });
    const make: { [T in TableName]: () => Tables[T] } = {
      roles: () => this.#roles.table(signal),
      names: () => this.#names.table(signal),
      programs: () => this.#programs.table(signal, fail),
    };
    return make[table]();
  }

  /** Resolves when everything handed over so far is published. */
  published(): Promise<Generation> {
    return this.#batch.published();
  }

  /** Whether a plugin publishes it. */
  has(table: TableName): boolean {
    return this.#options.tables.has(table);
  }

  /** What is published now; undefined: nothing is known yet. */
  get last(): { generation: Generation; sections: readonly SectionState[]; createdUs: number } | undefined {
    return this.#last;
  }

  /** Undefined where nobody publishes. */
  health(): TablesHealth | undefined {
    const { directory, bridges, bridgesUnknown, tables } = this.#options;
    if (tables.size === 0) return undefined;
    const seen = bridges?.() ?? [];
    const generation = this.#last?.generation ?? 0;
    const sections = Object.fromEntries((this.#last?.sections ?? []).map(({ name, bytes }) => [name, bytes]));
    const { createdUs = 0 } = this.#last ?? {};
    const common = {
      directory,
      generation,
      createdUs,
      sections,
      waiting: !this.#batch.settled,
      waitedSeconds: this.#batch.waited,
      bridges: seen,
    };
    const trouble =
      this.#lost ??
      this.#trouble ??
      this.#full ??
      this.#damaged ??
      (generation === 0 ? undefined : stuckTrouble(this.#batch.waited, [...this.#rebuilding])) ??
      bridgeTrouble(seen) ??
      bridgesUnknown?.();
    if (trouble !== undefined)
      return { state: 'degraded', code: trouble.code, reason: trouble.message, ...common };
    if (this.#opened === undefined)
      return { state: 'starting', reason: 'the directory is not open yet', ...common };
    const waits = this.#opened.waitsFor().join(', ');
    if (waits !== '') {
      const reason = `nothing is published before all of it is known: waits for ${waits}`;
      return { state: 'starting', reason, ...common };
    }
    if (generation === 0) return { state: 'starting', reason: 'nothing was published yet', ...common };
    return { state: 'ok', reason: `generation ${generation}`, ...common };
  }

  /** The longest mapping for a client of what was handed over; undefined: none, or not open. */
  findClient(address: Uint8Array): ClientMatch | undefined {
    return this.#opened?.native.findClient(address);
  }

  /** Sets of roles in use with the number of their mappings. */
  async roleSets(): Promise<{ id: number; roles: readonly string[]; mappings: number }[]> {
    const opened = this.#opened;
    if (opened === undefined) return [];
    const counts = await opened.native.countClients();
    return opened.roleSetsInUse().map(({ id, roles }) => ({ id, roles, mappings: counts[id] ?? 0 }));
  }

  roles(roleSet: number): readonly string[] {
    return this.#opened?.roleSets.roles(roleSet) ?? [];
  }

  /** What the plugin with the policies says of a query without a program. */
  rule(question: PolicyQuestion): Promise<PolicyRuling> {
    return this.#programs.rule(question);
  }

  /** Name of a list by its number; undefined: not known. */
  listName(list: number): string | undefined {
    return this.#opened?.lists.names[list];
  }

  /** Whether the directory is open, so that numbers have names. */
  get opened(): boolean {
    return this.#opened !== undefined;
  }

  /** Lets what is being written finish. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#look);
    await this.#batch.close();
    await this.#opened?.native.close();
    this.#opened = undefined;
  }

  async #publish(): Promise<{ generation: Generation; complete: boolean }> {
    if (this.#lost !== undefined) await this.#leave(this.#lost);
    this.#opened ??= this.#open();
    const opened = this.#opened;
    opened.take();
    await this.#programs.show({ roleSets: opened.roleSetsInUse(), lists: opened.listsInUse() });
    const published = await opened.publish();
    this.#trouble = undefined;
    for (const what of [...(published?.due ?? []), ...(published?.missing ?? [])])
      this.#rebuild(opened, what);
    if (published === undefined || !opened.begun)
      return {
        generation: this.#last?.generation ?? 0,
        complete: opened.begun && this.#rebuilding.size === 0,
      };
    this.#damaged = undefined;
    this.#last = published;
    this.#options.observer?.published(published.seconds);
    const { generation, missing, again } = published;
    for (const what of again) opened.rebuilt(what);
    if (again.length > 0) this.#batch.ask();
    return { generation, complete: missing.length + again.length === 0 };
  }

  #lookAfter(): void {
    const reason = this.#lost === undefined ? this.#opened?.native.lost() : undefined;
    if (reason === undefined || reason === '') return;
    this.#lost = new NnoeError('TABLES_LOST', { directory: this.#options.directory, reason });
    sayError(this.#options.log, this.#lost);
    this.#batch.ask();
  }

  /** The directory is not what was written any more: it is made again, with what plugins hand over in a new life. */
  async #leave(lost: NnoeError): Promise<void> {
    for (const fail of [...this.#lives]) fail(lost);
    const opened = this.#opened;
    this.#opened = undefined;
    this.#roles.forget();
    this.#names.forget();
    this.#rebuilding = new Set();
    await opened?.native.close();
    this.#lost = undefined;
  }

  /** @throws NnoeError TABLES_BUSY, TABLES_DIRECTORY. */
  #open(): OpenTables {
    const { directory, tables, log } = this.#options;
    const native = this.#openNative();
    const opened = new OpenTables(native, {
      roles: this.#roles,
      names: this.#names,
      tables,
      listAction: (text) => this.#parse(text, 'list'),
      full: (error) => this.#fullUp(error),
    });
    const { generation, sections, found } = native.restored;
    if (found !== '') {
      this.#damaged = new NnoeError('TABLES_DAMAGED', { directory, reason: found });
      sayError(log, this.#damaged);
    }
    say(log, 'TABLES_OPENED', { directory, generation });
    this.#last = { generation, sections, createdUs: native.restored.createdUs };
    for (const tell of this.#waiting) tell(opened);
    this.#waiting.clear();
    return opened;
  }

  #openNative(): NativeTables {
    const { directory, open, busy } = this.#options;
    try {
      return open(directory);
    } catch (error) {
      if ((error as { code?: string }).code !== 'TABLES_BUSY')
        throw new NnoeError('TABLES_DIRECTORY', { directory, reason: reasonOf(error) }, error);
      const refused = new NnoeError('TABLES_BUSY', { directory }, error);
      busy(refused);
      throw refused;
    }
  }

  /** A new base, beside everything else; then it is published. */
  #rebuild(opened: OpenTables, what: Buildable): void {
    const rebuilding = this.#rebuilding;
    if (rebuilding.has(what) || this.#closed) return;
    rebuilding.add(what);
    opened.native
      .rebuild(what)
      .then(() => {
        opened.rebuilt(what);
        rebuilding.delete(what);
        if (!this.#closed) this.#batch.ask();
      })
      .catch((error) => {
        rebuilding.delete(what);
        if (this.#closed || opened !== this.#opened) return;
        this.#failed(error);
        // With the pause that follows a failure: publishing says again that it is due.
        opened.rebuilt(what);
        this.#retry = setTimeout(() => this.#batch.ask(), rebuildPause);
      });
  }

  #failed(error: unknown): void {
    const { directory, log, observer } = this.#options;
    const trouble =
      error instanceof NnoeError
        ? error
        : new NnoeError('TABLES_UNWRITTEN', { directory, reason: reasonOf(error) }, error);
    observer?.failed(trouble.code);
    // Once for each trouble: it is tried again every few seconds.
    if (this.#trouble?.message !== trouble.message) sayError(log, trouble);
    this.#trouble = trouble;
  }

  #fullUp(error: NnoeError): void {
    if (this.#full === undefined) sayError(this.#options.log, error);
    this.#full = error;
  }

  #parse(text: string, decider: Decider): ActionRecord {
    const { answers, defaults } = this.#options;
    return parseAction(text, decider, answers, defaults);
  }

  #policyAction(text: string): number {
    const record = this.#parse(text, 'policy');
    if (this.#opened === undefined) throw this.#closedYet();
    return this.#opened.actions.number(record);
  }

  #closedYet(): NnoeError {
    const { directory } = this.#options;
    return this.#trouble ?? new NnoeError('TABLES_DIRECTORY', { directory, reason: 'it is not open yet' });
  }

  async #publishPrograms(section: Uint8Array | 'unplanned'): Promise<Generation> {
    const opened = await this.#whenOpen();
    const { roleSets, lists, actions } = opened;
    if (section !== 'unplanned') {
      const limits = {
        roleSets: roleSets.sets.length,
        lists: lists.names.length,
        actions: actions.records.length,
      };
      const fault = opened.native.checkPrograms(section, limits);
      if (fault !== '')
        throw new NnoeError('TABLES_INVALID', {
          what: 'programs',
          found: fault,
          expected: 'a sound section',
        });
    }
    opened.setPrograms(section);
    this.#batch.ask();
    return this.#batch.published();
  }

  #whenOpen(): Promise<OpenTables> {
    if (this.#opened !== undefined) return Promise.resolve(this.#opened);
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #nameChannel(): Omit<NameChannel, 'changed' | 'published'> {
    return {
      number: async (list) => (await this.#whenOpen()).lists.number(list),
      checkAction: (text) => void this.#parse(text, 'list'),
      prepare: async (list, source) => (await this.#whenOpen()).native.prepareList(list, source),
      finish: async ({ id }, take) => (await this.#whenOpen()).native.finishLoad(id, take),
      size: (list) => {
        const number = this.#opened?.lists.find(list);
        return number === undefined ? 0 : (this.#opened?.native.listSizes()[number] ?? 0);
      },
    };
  }
}
