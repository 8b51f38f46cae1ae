// SPDX-License-Identifier: MPL-2.0
// A bad network, drawn from a seed: what befalls connections one by one, and what befalls all of them together.
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../stress/random.js';
import type { Fate, TcpProxy } from './proxy.js';

/** What happens to all connections together, times an hour of bad network. */
const hourly = { cuts: 60, holds: 20, outages: 6, lostAnswers: 10, strandings: 4 } as const;

export type Weather = Record<keyof typeof hourly, number>;

/** Spread evenly over the orders of magnitude. */
const magnitude = (random: Random, low: number, high: number): number => low * (high / low) ** random.next();

function fate(random: Random): Fate {
  const drawn = random.next();
  const after = Math.floor(magnitude(random, 1, 200_000));
  if (drawn < 0.2) return { cut: { after, how: random.pick(['rst', 'fin'] as const) } };
  if (drawn < 0.3) {
    const ms = random.next() < 0.15 ? Number.POSITIVE_INFINITY : magnitude(random, 10, 2000);
    return { stall: { direction: random.pick(['up', 'down'] as const), after, ms } };
  }
  if (drawn < 0.45) return { delay: magnitude(random, 1, 30) };
  // From what a modem of 1975 did upwards.
  if (drawn < 0.53) return { rate: magnitude(random, 30, 100_000) };
  return {};
}

export class BadWeather {
  readonly happened: Weather = { cuts: 0, holds: 0, outages: 0, lostAnswers: 0, strandings: 0 };
  #over = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  /** @param squeeze hours of bad network that are put into one. */
  constructor(
    private readonly proxy: TcpProxy,
    private readonly random: Random,
    private readonly squeeze: number,
  ) {}

  start(): void {
    this.#over = new AbortController();
    this.proxy.fate = () => fate(this.random);
    const kinds = Object.keys(hourly) as (keyof Weather)[];
    this.#running = Promise.all(kinds.map((kind) => this.#again(kind).catch(() => undefined)));
  }

  /** New connections work from now on. Those that stand keep their fate: it is for the client to notice. */
  async calm(): Promise<void> {
    this.#over.abort();
    await this.#running;
    this.proxy.fate = undefined;
    this.proxy.pass();
  }

  async #again(kind: keyof Weather): Promise<void> {
    const mean = 3_600_000 / hourly[kind] / this.squeeze;
    for (;;) {
      await this.#pause(-Math.log(1 - this.random.next()) * mean);
      this.happened[kind]++;
      await this.#happen(kind);
    }
  }

  async #pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#over.signal });
  }

  async #happen(kind: keyof Weather): Promise<void> {
    const { proxy, random } = this;
    if (kind === 'cuts') proxy.breakAll(random.pick(['rst', 'fin'] as const));
    else if (kind === 'holds') proxy.hold(magnitude(random, 20, 1500));
    else if (kind === 'strandings') proxy.strand();
    else {
      if (kind === 'outages') proxy.refuse();
      else proxy.loseAnswers();
      try {
        await this.#pause(kind === 'outages' ? magnitude(random, 50, 1500) : magnitude(random, 20, 500));
      } finally {
        proxy.pass();
      }
    }
  }
}
