// SPDX-License-Identifier: MPL-2.0
// Every metric of the host, as a table: metrics.ts makes them from it, docs/reference/metrics.md is generated
// from it, and a test compares both with a real scrape. What plugins measure is in their declarations.

export interface MetricRow {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** What the values count, where the name does not end in it. */
  unit?: string;
  /** Label to what bounds its values: no label takes what clients or the network choose. */
  labels?: Readonly<Record<string, string>>;
  /** Upper ends of a histogram's buckets, in its unit. */
  buckets?: readonly number[];
  /** When it is there; always, unless it says so. */
  when?: string;
}

/** Those of a plugin's life, one of which holds. */
export const pluginStates = ['starting', 'ok', 'degraded', 'failed', 'stopped'] as const;

const plugin = 'enabled plugins';
const journal = '[journal.*] sections of the configuration';
const code = 'codes of errors.md';

export const metricRows = {
  nnoe_agent_uptime_seconds: { type: 'gauge', help: 'Time since the host was started.' },
  nnoe_agent_etcd_connected: {
    type: 'gauge',
    help: 'Whether etcd answers: 1 or 0.',
    when: 'the store is an etcd',
  },
  nnoe_agent_cache_size_bytes: {
    type: 'gauge',
    help: 'Size of the local cache of what plugins follow.',
    when: 'the store has a local cache',
  },
  nnoe_agent_cache_size_entries: {
    type: 'gauge',
    help: 'Keys in the local cache of what plugins follow.',
    unit: 'keys',
    when: 'the store has a local cache',
  },
  nnoe_agent_config_updates_total: {
    type: 'counter',
    help: 'Changes of keys in the store that were handed to plugins which follow them; first snapshots do not count.',
    unit: 'changes',
    when: 'a plugin has begun to follow a prefix',
  },
  nnoe_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs.',
    unit: '1',
    labels: { version: 'one, of this host', node_version: 'one, of Node.js' },
  },
  nnoe_ready: { type: 'gauge', help: 'Whether /ready answers 200: 1 or 0.' },
  nnoe_store_up: { type: 'gauge', help: 'Whether the store answers, whichever it is: 1 or 0.' },
  nnoe_store_commit_seconds: {
    type: 'histogram',
    help: 'Time from sending a transaction to its answer, retries included.',
    labels: { plugin },
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10, 60],
  },
  nnoe_store_errors_total: {
    type: 'counter',
    help: 'Attempts on the store that failed, by what was wrong.',
    unit: 'attempts',
    labels: { code },
  },
  nnoe_store_retries_total: {
    type: 'counter',
    help: 'Calls to the store that were tried again.',
    unit: 'attempts',
  },
  nnoe_store_follow_restarts_total: {
    type: 'counter',
    help: 'Times that following a prefix was taken up again, after a broken connection, a compaction or a reset.',
    unit: 'listings',
  },
  nnoe_plugin_state: {
    type: 'gauge',
    help: 'Which state the plugin is in: 1 for that one, 0 for the others.',
    unit: '1',
    labels: { plugin, state: pluginStates.join(', ') },
  },
  nnoe_plugin_batch_seconds: {
    type: 'histogram',
    help: 'Time from handing a batch to a plugin until its promise settled.',
    labels: { plugin },
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
  },
  nnoe_plugin_records_total: {
    type: 'counter',
    help: 'Records of a journal that a plugin has dealt with.',
    unit: 'records',
    labels: { plugin, journal },
  },
  nnoe_plugin_lag_records: {
    type: 'gauge',
    help: 'Records between the head of the journal and the plugin’s cursor.',
    labels: { plugin, journal },
    when: 'the journal is open',
  },
  nnoe_plugin_lag_seconds: {
    type: 'gauge',
    help: 'Age of the oldest record that the plugin has not dealt with; 0 when there is none.',
    labels: { plugin, journal },
    when: 'the journal is open',
  },
  nnoe_plugin_gaps_total: {
    type: 'counter',
    help: 'Holes in a journal that a plugin was told of.',
    unit: 'holes',
    labels: { plugin, journal, reason: 'reasons of a Gap in proto/nnoe.proto, and UNDECODABLE' },
  },
  nnoe_plugin_failures_total: {
    type: 'counter',
    help: 'Times a plugin failed and was taken down, by what was wrong.',
    unit: 'failures',
    labels: { plugin, code },
  },
  nnoe_plugin_restarts_total: {
    type: 'counter',
    help: 'Times a plugin was started again after it had failed.',
    unit: 'starts',
    labels: { plugin },
  },
  nnoe_journal_up: {
    type: 'gauge',
    help: 'Whether the journal is open: 1 or 0.',
    labels: { journal },
  },
  nnoe_journal_size_bytes: {
    type: 'gauge',
    help: 'Size of the journal on disk.',
    labels: { journal },
    when: 'the journal is open',
  },
  nnoe_journal_depth_records: {
    type: 'gauge',
    help: 'Records that the slowest plugin has not dealt with.',
    labels: { journal },
    when: 'the journal is open',
  },
  nnoe_journal_oldest_undelivered_seconds: {
    type: 'gauge',
    help: 'Age of the oldest record that a plugin has not dealt with; 0 when there is none.',
    labels: { journal },
    when: 'the journal is open',
  },
  nnoe_journal_walk_owed: {
    type: 'gauge',
    help: 'Whether a walk over Kea’s lease database is owed: 1 or 0.',
    labels: { journal },
    when: 'the journal is open',
  },
  nnoe_tables_generation: {
    type: 'gauge',
    help: 'Number of the last generation of tables that was written; 0 when there is none.',
    unit: '1',
    when: 'a plugin publishes a table',
  },
  nnoe_tables_age_seconds: {
    type: 'gauge',
    help: 'Time since the last generation of tables was written. It grows for as long as nothing changes; what waits is in nnoe_tables_pending_seconds.',
    when: 'a generation was written',
  },
  nnoe_tables_pending_seconds: {
    type: 'gauge',
    help: 'How long the oldest change that is not in a generation of tables yet has waited; 0 when all of them are.',
    when: 'a plugin publishes a table',
  },
  nnoe_tables_bytes: {
    type: 'gauge',
    help: 'Size of the published tables.',
    labels: { section: 'sections of native/shm/tables/TABLES.md' },
    when: 'a plugin publishes a table',
  },
  nnoe_tables_publish_seconds: {
    type: 'histogram',
    help: 'Time to build a generation of tables and have it on disk.',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    when: 'a plugin publishes a table',
  },
  nnoe_tables_publish_errors_total: {
    type: 'counter',
    help: 'Attempts to write a generation of tables that failed.',
    unit: 'attempts',
    labels: { code },
    when: 'a plugin publishes a table',
  },
  nnoe_tables_bridges: {
    type: 'gauge',
    help: 'Processes of dnsdist on this machine, by what they have loaded.',
    unit: 'processes',
    labels: { state: 'current, behind, refusing, none' },
    when: 'a plugin publishes a table',
  },
  nnoe_decision_records_total: {
    type: 'counter',
    help: 'Records of decisions that were read from the bridges.',
    unit: 'records',
    when: 'a plugin publishes a table or consumes decisions',
  },
  nnoe_decision_records_lost_total: {
    type: 'counter',
    help: 'Records of decisions that a bridge overwrote before they were read.',
    unit: 'records',
    when: 'a plugin publishes a table or consumes decisions',
  },
  nnoe_rulings_questions_total: {
    type: 'counter',
    help: 'Queries without a program that bridges asked about, by what they were told.',
    unit: 'questions',
    labels: { outcome: 'answered, put-off' },
    when: 'a plugin publishes programs',
  },
  nnoe_rulings_dropped_total: {
    type: 'counter',
    help: 'Queries without a program that bridges did not ask about, for want of a place or of a host.',
    unit: 'questions',
    when: 'a plugin publishes programs',
  },
  nnoe_rulings_bridges: {
    type: 'gauge',
    help: 'Processes of dnsdist that are connected to ask.',
    unit: 'processes',
    when: 'a plugin publishes programs',
  },
  nnoe_event_loop_active_seconds_total: {
    type: 'counter',
    help: 'Time the event loop has been at work; its rate is the share of one core.',
  },
  nnoe_event_loop_lag_seconds: {
    type: 'histogram',
    help: 'How much later than due the host’s own look, every 2 s, came about.',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
  },
  nodejs_heap_size_total_bytes: { type: 'gauge', help: 'JavaScript heap that V8 has reserved.' },
  nodejs_heap_size_used_bytes: { type: 'gauge', help: 'JavaScript heap in use.' },
  nodejs_external_memory_bytes: { type: 'gauge', help: 'Memory of buffers outside the JavaScript heap.' },
  process_cpu_seconds_total: { type: 'counter', help: 'User and system time used.' },
  process_start_time_seconds: { type: 'gauge', help: 'When the process was started, since 1970.' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory.' },
  process_virtual_memory_bytes: { type: 'gauge', help: 'Address space in use.' },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors.', unit: 'descriptors' },
  process_max_fds: { type: 'gauge', help: 'Most file descriptors that may be open.', unit: 'descriptors' },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metricRows;

/** Names of the original exporter that nothing here can give a true value yet; a scrape leaves them out. */
export const notServed: Readonly<Record<string, string>> = {
  nnoe_agent_service_reloads_total: 'no plugin reloads a service',
  nnoe_agent_ha_state: 'no plugin knows the state of an HA pair',
};
