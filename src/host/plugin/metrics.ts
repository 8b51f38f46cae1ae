// SPDX-License-Identifier: MPL-2.0
// The contract's metrics: declared by `counter`, `gauge` and `histogram`, used through `ctx.metrics`. In
// Prometheus a metric is called nnoe_<plugin>_<name>, with `-` in the plugin's name as `_`.

/** Values of labels; those left out are empty. Few values each: every combination is a time series. */
export type LabelValues<L extends string> = [L] extends [never]
  ? Record<string, never>
  : { [K in L]?: string | number };

export interface Counter<L extends string = never> {
  /** @param value at least 0, default 1. */
  inc(value?: number): void;
  inc(labels: LabelValues<L>, value?: number): void;
}

export interface Gauge<L extends string = never> {
  set(value: number): void;
  set(labels: LabelValues<L>, value: number): void;
  inc(value?: number): void;
  inc(labels: LabelValues<L>, value?: number): void;
  dec(value?: number): void;
  dec(labels: LabelValues<L>, value?: number): void;
  /** Leaves this value out, as if it had never been set. */
  remove(labels?: LabelValues<L>): void;
  /** Of a gauge with labels: leaves all its values out. */
  reset(): void;
}

export interface Histogram<L extends string = never> {
  observe(value: number): void;
  observe(labels: LabelValues<L>, value: number): void;
}

/**
 * Label ([a-z][a-z0-9_]*) to what bounds its values, for the documentation: `{ kind: 'put, delete' }`. Never what
 * clients choose.
 */
export type LabelSpec = Readonly<Record<string, string>>;

interface MetricCommon {
  /** One sentence, with the unit. */
  help: string;
  labels?: LabelSpec;
  /** The whole name, where others know it already; otherwise it is `nnoe_<plugin>_<key>`. */
  name?: string;
}

export type MetricSpec =
  | ({ type: 'counter' } & MetricCommon)
  | ({ type: 'gauge' } & MetricCommon)
  /** Upper bounds of the buckets, ascending. */
  | ({ type: 'histogram'; buckets: readonly number[] } & MetricCommon);

type LabelsOf<M extends MetricSpec> = M extends { labels: infer L } ? keyof L & string : never;

/** What a plugin gets for a metric that it declared so. */
export type MetricOf<M extends MetricSpec> = M extends { type: 'counter' }
  ? Counter<LabelsOf<M>>
  : M extends { type: 'gauge' }
    ? Gauge<LabelsOf<M>>
    : Histogram<LabelsOf<M>>;

type NoLabels = Readonly<Record<never, string>>;
// NoInfer: where there are no labels, none must be inferred from the place where the result goes.
type Labelled<L extends LabelSpec> = { readonly help: string; readonly labels: NoInfer<L> };

/** Only grows; its name ends in `_total`. */
export const counter = <const L extends LabelSpec = NoLabels>(
  help: string,
  labels = {} as L,
): { readonly type: 'counter' } & Labelled<L> => ({ type: 'counter', help, labels });

/** Goes up and down. Left out until it is set for the first time. */
export const gauge = <const L extends LabelSpec = NoLabels>(
  help: string,
  labels = {} as L,
): { readonly type: 'gauge' } & Labelled<L> => ({ type: 'gauge', help, labels });

/** Counts observations by size. @param buckets upper bounds, ascending, in the unit of what is observed. */
export const histogram = <const L extends LabelSpec = NoLabels>(
  help: string,
  buckets: readonly number[],
  labels = {} as L,
): { readonly type: 'histogram'; readonly buckets: readonly number[] } & Labelled<L> => ({
  type: 'histogram',
  help,
  buckets,
  labels,
});

/** Gives a metric a name of its own, which others know already. */
export const named = <const M extends MetricSpec>(name: string, spec: M) => ({ ...spec, name });
