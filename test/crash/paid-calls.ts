import { expect } from 'vitest';

import { readJournals } from './read-run.js';
import { type RunTopics, withTopics } from './run-topics.js';
import { maxInFlight, type Scene } from './scene.js';

/** How often the models were asked, over all lives of a pipeline. */
export interface CallCounts {
  readonly answered: number;
  /** Answers that were given twice, as the journal did not have the first when the second was asked for. */
  readonly lost: number;
  /** Requests whose answer was in a journal before: only by workers that woke up where others had their work. */
  readonly askedAgain: number;
}

/** What the endpoint has counted for a request. */
interface Asked {
  readonly asked: number;
  readonly answered: number;
}

/** How often work in flight was dropped. */
export interface Drops {
  readonly drops: number;
  /** Times that a worker did not know of it, as it slept or heard nothing of the broker: it asks on until it does. */
  readonly sleeps: number;
}

const never: Asked = { asked: 0, answered: 0 };

/**
 * Follows from fault to fault which answers the journals hold, and what the endpoint was asked.
 *
 * The journals are read first and the endpoint's counts after them, so an answer counts as journaled exactly when all who begin
 * from then on can read it; from then on the endpoint must not see its request again. What was answered and not journaled is bounded by
 * the requests that were open when work was dropped.
 */
export class PaidCalls {
  /** Requests that a worker has open. */
  readonly #mostOpen: number;
  #journaled: ReadonlySet<string> = new Set();
  #before: Readonly<Record<string, Asked>> = {};
  #askedAgain = 0;

  constructor(private readonly scene: Scene) {
    // Two models; a lane's stage asks nothing more until the topics have what it was answered.
    this.#mostOpen = 2 * maxInFlight * scene.lanes;
  }

  /** To be called after each fault, before anything begins anew, and at the end. */
  async look(): Promise<void> {
    await withTopics(this.scene, (topics) => this.#look(topics));
  }

  async #look(topics: RunTopics): Promise<void> {
    const journals = await readJournals(topics);
    const { byRequest } = await this.scene.endpoint.stats();
    for (const request of this.#journaled) {
      this.#askedAgain += (byRequest[request] ?? never).asked - (this.#before[request] ?? never).asked;
    }
    // A worker on Kafka that was asleep, or had no answer from the broker, may put down a second answer to the same request.
    if (this.scene.transport.kind === 'log') {
      for (const [request, times] of journals) expect(times, `answers to request ${request} in the journals`).toBe(1);
      const notKept = Object.entries(byRequest).filter(([request, { answered }]) => {
        return answered > (this.#before[request] ?? never).answered && !journals.has(request);
      });
      expect(notKept.length, 'answers that were not journaled').toBeLessThanOrEqual(this.#mostOpen);
    }
    this.#journaled = new Set(journals.keys());
    this.#before = byRequest;
  }

  async counts({ drops, sleeps }: Drops): Promise<CallCounts> {
    const { answered, byRequest } = await this.scene.endpoint.stats();
    const lost = Object.values(byRequest).reduce((sum, request) => sum + Math.max(0, request.answered - 1), 0);
    expect(lost, 'answers that were paid for twice').toBeLessThanOrEqual((drops + sleeps) * this.#mostOpen);
    expect(this.#askedAgain, 'journaled and asked again').toBeLessThanOrEqual(sleeps * this.#mostOpen);
    return { answered, lost, askedAgain: this.#askedAgain };
  }
}
