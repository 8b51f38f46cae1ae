// SPDX-License-Identifier: MPL-2.0
// The ordered list of cases. A case's module is loaded when it runs, so that a broken one hurts nobody else.
import type { BenchCase } from './lib/figures.js';

export const cases = {
  stress: () => import('./cases/stress.js'),
  hook: () => import('./cases/hook.js'),
  journal: () => import('./cases/journal.js'),
  drain: () => import('./cases/drain.js'),
  store: () => import('./cases/store.js'),
  etcd: () => import('./cases/etcd.js'),
  gateway: () => import('./cases/gateway.js'),
  follow: () => import('./cases/follow.js'),
  latency: () => import('./cases/latency.js'),
  prefixes: () => import('./cases/prefixes.js'),
  walk: () => import('./cases/walk.js'),
  idle: () => import('./cases/idle.js'),
  start: () => import('./cases/start.js'),
  scrape: () => import('./cases/scrape.js'),
  names: () => import('./cases/names.js'),
  verdict: () => import('./cases/verdict.js'),
  pdp: () => import('./cases/pdp.js'),
  micro: () => import('./cases/micro.js'),
  swap: () => import('./cases/swap.js'),
  lists: () => import('./cases/lists.js'),
  boundary: () => import('./cases/boundary.js'),
  added: () => import('./cases/added.js'),
  dnsdist: () => import('./cases/dnsdist.js'),
  decisions: () => import('./cases/decisions.js'),
  growth: () => import('./cases/growth.js'),
  propagation: () => import('./cases/propagation.js'),
} satisfies Record<string, () => Promise<{ default: BenchCase }>>;

export type CaseName = keyof typeof cases;

export const isCase = (name: string): name is CaseName => Object.hasOwn(cases, name);
