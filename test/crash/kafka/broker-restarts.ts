import { setTimeout as delay } from 'node:timers/promises';

import type { TestBroker } from '../../kafka/broker.js';

/** A worker may have been started before and have waited in vain, so it may fail for so long after. */
const recentMs = 30_000;

/** Kills a broker that several pipelines share, and starts it again on the same data: once at a time. */
export class BrokerRestarts {
  static readonly #of = new WeakMap<TestBroker, BrokerRestarts>();
  #restarting: Promise<void> | undefined;
  readonly #acting = new Set<Promise<void>>();
  #lastAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  private constructor(private readonly broker: TestBroker) {}

  static of(broker: TestBroker): BrokerRestarts {
    const known = BrokerRestarts.#of.get(broker) ?? new BrokerRestarts(broker);
    BrokerRestarts.#of.set(broker, known);
    return known;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether a worker may be without its broker, or may have been just before. */
  get isRecent(): boolean {
    return this.#restarting !== undefined || performance.now() - this.#lastAt < recentMs;
  }

  restart(): Promise<void> {
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = undefined;
      this.#lastAt = performance.now();
    });
    return this.#restarting;
  }

  /** Does what needs a broker all the time: none is killed meanwhile, and one that has just begun may refuse for a while. */
  async whileUp<Result>(act: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      await this.#restarting;
      const acting = act();
      const over = acting.then(
        () => undefined,
        () => undefined,
      );
      this.#acting.add(over);
      try {
        return await acting;
      } catch (error) {
        if (!this.isRecent || tries === 10) throw error;
        await delay(1000);
      } finally {
        this.#acting.delete(over);
      }
    }
  }

  async #restart(): Promise<void> {
    await Promise.all(this.#acting);
    this.#count++;
    await this.broker.kill('SIGKILL');
    await this.broker.restart();
  }
}
