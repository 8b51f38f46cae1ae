// SPDX-License-Identifier: MPL-2.0
// What contrib/ gives to Prometheus and Grafana: alerts, and every expression with the metrics and labels in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { metricName } from '../../src/host/metrics.js';
import { type MetricRow, metricRows } from '../../src/host/metrics-table.js';
import type { MetricSpec } from '../../src/host/plugin.js';
import { plugins } from '../../src/plugins/plugins.js';
import { tree } from './tree.js';

export interface Alert {
  alert: string;
  expr: string;
  for: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface Panel {
  id: number;
  title: string;
  type: string;
  targets?: { expr: string }[];
}

interface Dashboard {
  panels: Panel[];
  templating: { list: { definition?: string }[] };
}

const text = (file: string) => readFileSync(join(tree, 'contrib', file), 'utf8');

export const rulesFile = join(tree, 'contrib/prometheus/nnoe.rules.yml');
export const rulesTests = join(tree, 'contrib/prometheus/nnoe.test.yml');

export const alerts = (
  parse(text('prometheus/nnoe.rules.yml')) as { groups: { rules: Alert[] }[] }
).groups.flatMap(({ rules }) => rules);
export const { panels, templating } = JSON.parse(text('grafana/nnoe.json')) as Dashboard;

export interface Expression {
  where: string;
  expr: string;
}

export const expressions: Expression[] = [
  ...alerts.map(({ alert, expr }) => ({ where: alert, expr })),
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr }))),
];

/** Host's and plugins', by name. */
export const rows = new Map<string, MetricRow | MetricSpec>([
  ...Object.entries<MetricRow>(metricRows),
  ...plugins.flatMap((plugin) =>
    Object.entries<MetricSpec>(plugin.metrics).map(([key, spec]): [string, MetricSpec] => [
      metricName(plugin.name, key, spec),
      spec,
    ]),
  ),
]);

export interface Used {
  /** As in the tables: without the suffix of a histogram's part. */
  metric: string;
  labels: string[];
}

/** The metrics of an expression, with the labels by which it chooses. Prometheus' own `up` is not ours. */
export function used(expr: string): Used[] {
  return [...expr.matchAll(/\b((?:nnoe|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', chosen = '']) => {
      const base = name.replace(/_(bucket|sum|count)$/, '');
      const metric = rows.get(base)?.type === 'histogram' ? base : name;
      return {
        metric,
        labels: [...chosen.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
      };
    },
  );
}

/** Labels that the results of an expression are grouped by or shown with. */
export const grouped = (expr: string): string[] =>
  [...expr.matchAll(/\b(?:by|without|on)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((each) => each.trim()),
  );
