import type { TestBroker } from '../../kafka/broker.js';

/** A worker may have been started before and have waited in vain, so it may fail for so long after. */
const recentMs = 30_000;

/** Kills a broker that several pipelines share, and starts it again on the same data: once at a time. */
export class BrokerRestarts {
  static readonly #of = new WeakMap<TestBroker, BrokerRestarts>();
  #restarting: Promise<void> | undefined;
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

  async #restart(): Promise<void> {
    this.#count++;
    await this.broker.kill('SIGKILL');
    await this.broker.restart();
  }
}
