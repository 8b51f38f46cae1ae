// SPDX-License-Identifier: MPL-2.0
// Alerts and dashboard speak of metrics that there are, and every alert has its place in the operator's guide.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { alerts, expressions, grouped, panels, rows, used } from '../lib/monitoring.js';
import { text } from './lib/tree.js';

/** Prometheus gives these to what it scrapes; `le` is a histogram's. */
const foreign = ['job', 'instance', 'le'];
const guide = text('docs/operating.md');
const headings = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
const anchor = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

test('every metric that is named stands in the tables, and has the labels that it is chosen by', () => {
  const wrong = expressions.flatMap(({ where, expr }) =>
    used(expr).flatMap(({ metric, labels }) => {
      const row = rows.get(metric);
      if (row === undefined) return [`${where}: ${metric}`];
      const own = [...Object.keys(row.labels ?? {}), ...foreign];
      return labels.filter((label) => !own.includes(label)).map((label) => `${where}: ${metric}{${label}}`);
    }),
  );
  assert.equal(wrong, []);
  const named = new Set(expressions.flatMap(({ expr }) => used(expr).map(({ metric }) => metric)));
  assert.ok(named.size > 40, `${named.size} metrics`);
});

test('labels that results are grouped by, or that texts show, are labels of the metrics', () => {
  const wrong = expressions.flatMap(({ where, expr }) => {
    const own = used(expr).flatMap(({ metric }) => Object.keys(rows.get(metric)?.labels ?? {}));
    return grouped(expr)
      .filter((label) => ![...own, ...foreign].includes(label))
      .map((label) => `${where}: ${label}`);
  });
  assert.equal(wrong, []);
  for (const { alert, expr, annotations } of alerts) {
    const own = used(expr).flatMap(({ metric }) => Object.keys(rows.get(metric)?.labels ?? {}));
    const shown = Object.values(annotations).flatMap((each) => [...each.matchAll(/\$labels\.(\w+)/g)]);
    for (const [, label = ''] of shown) assert.ok([...own, ...foreign].includes(label), `${alert}: ${label}`);
  }
});

test('a state that is chosen is one that the tables name', () => {
  for (const { where, expr } of expressions)
    for (const [, metric = '', label = '', values = ''] of expr.matchAll(
      /(nnoe_\w+)\{[^}]*?\b(state)=~?"([^"]+)"/g,
    )) {
      const bound = rows.get(metric)?.labels as Record<string, string> | undefined;
      for (const value of values.split('|'))
        assert.ok(bound?.[label]?.split(', ').includes(value), `${where}: ${metric}{${label}="${value}"}`);
    }
});

test('each alert says what it is, how bad, and which section of the guide tells what to do', () => {
  for (const { alert, for: time, labels, annotations } of alerts) {
    assert.match(alert, /^Nnoe[A-Z]\w+$/);
    assert.match(time, /^\d+m$/, alert);
    assert.ok(['critical', 'warning', 'info'].includes(labels.severity ?? ''), alert);
    assert.match(annotations.summary ?? '', /\$labels\.instance.*\.$/, alert);
    assert.ok((annotations.description ?? '').length > 30, alert);
    assert.is(annotations.runbook, `/usr/share/doc/nnoe/operating.md#${alert.toLowerCase()}`);
  }
  const names = alerts.map(({ alert }) => alert);
  assert.is(new Set(names).size, names.length);
  assert.equal(headings.filter((title) => title.startsWith('Nnoe')).sort(), [...names].sort());
  assert.ok(names.every((name) => headings.map(anchor).includes(name.toLowerCase())));
});

test('the package has the guide that alerts name, as it is, and the rules and the dashboard', () => {
  const listed = (file: string) => text(file).trim().split('\n');
  assert.ok(listed('debian/nnoe.docs').includes('docs/operating.md'));
  for (const each of ['contrib/grafana', 'contrib/prometheus'])
    assert.ok(listed('debian/nnoe.examples').includes(each));
  // debhelper would make operating.md.gz of it.
  assert.match(text('debian/rules'), /dh_compress -X\.md/);
});

test('each alert is tried by a test of the rules', () => {
  const tests = text('contrib/prometheus/nnoe.test.yml');
  assert.equal(
    alerts.filter(({ alert }) => !tests.includes(`alertname="${alert}"`)).map(({ alert }) => alert),
    [],
  );
});

test('panels of the dashboard have numbers of their own, and something to show', () => {
  assert.is(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const { title, type, targets = [] } of panels) assert.is(targets.length === 0, type === 'row', title);
});

test.run();
