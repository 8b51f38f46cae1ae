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
}

export interface Histogram<L extends string = never> {
  observe(value: number): void;
  observe(labels: LabelValues<L>, value: number): void;
}

interface Described {
  /** One sentence, with the unit. */
  help: string;
  /** Names of labels, [a-z][a-z0-9_]*. */
  labels?: readonly string[];
}

export type MetricSpec =
  | ({ type: 'counter' } & Described)
  | ({ type: 'gauge' } & Described)
  /** Upper bounds of the buckets, ascending. */
  | ({ type: 'histogram'; buckets: readonly number[] } & Described);

type LabelsOf<M extends MetricSpec> = M extends { labels: readonly string[] } ? M['labels'][number] : never;

/** What a plugin gets for a metric that it declared so. */
export type MetricOf<M extends MetricSpec> = M extends { type: 'counter' }
  ? Counter<LabelsOf<M>>
  : M extends { type: 'gauge' }
    ? Gauge<LabelsOf<M>>
    : Histogram<LabelsOf<M>>;

// NoInfer: where there are no labels, none must be inferred from the place where the result goes.
type Labelled<L extends string> = { readonly help: string; readonly labels: readonly NoInfer<L>[] };

/** Only grows. By custom the name ends in `_total`. */
export const counter = <const L extends string = never>(
  help: string,
  labels: readonly L[] = [],
): { readonly type: 'counter' } & Labelled<L> => ({ type: 'counter', help, labels });

/** Goes up and down. */
export const gauge = <const L extends string = never>(
  help: string,
  labels: readonly L[] = [],
): { readonly type: 'gauge' } & Labelled<L> => ({ type: 'gauge', help, labels });

/** Counts observations by size. @param buckets upper bounds, ascending, in the unit of what is observed. */
export const histogram = <const L extends string = never>(
  help: string,
  buckets: readonly number[],
  labels: readonly L[] = [],
): { readonly type: 'histogram'; readonly buckets: readonly number[] } & Labelled<L> => ({
  type: 'histogram',
  help,
  buckets,
  labels,
});
