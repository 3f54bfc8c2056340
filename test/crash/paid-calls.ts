import { expect } from 'vitest';

import { readJournals } from './read-run.js';
import { maxInFlight, type Scene } from './scene.js';

/** How often the models were asked, over all lives of a pipeline. */
export interface CallCounts {
  readonly answered: number;
  /** Answers that were given twice, as the kill came before the log had them. */
  readonly lost: number;
  /** Requests of a life whose answer was in a journal when it began. */
  readonly askedAgain: number;
}

/** What the endpoint has counted for a request. */
interface Asked {
  readonly asked: number;
  readonly answered: number;
}

const never: Asked = { asked: 0, answered: 0 };

/**
 * Follows from life to life which answers the journals hold, and what the endpoint was asked.
 *
 * The journals are read from the log after each death, so an answer counts as journaled exactly when the log holds it; from
 * then on the endpoint must not see its request again. What a life was answered and did not journal is bounded by the requests
 * that were open when it ended.
 */
export class PaidCalls {
  readonly #mostOpen: number;
  #journaled: ReadonlySet<string> = new Set();
  #before: Readonly<Record<string, Asked>> = {};
  #lives = 0;
  #askedAgain = 0;

  constructor(private readonly scene: Scene) {
    // Two models; a lane's stage asks nothing more until the log has what it was answered.
    this.#mostOpen = 2 * maxInFlight * scene.lanes;
  }

  /** To be called when a life has ended, before the next one begins. */
  async lifeEnded(): Promise<void> {
    const journals = await readJournals(this.scene);
    const { byRequest } = await this.scene.endpoint.stats();
    for (const request of this.#journaled) {
      this.#askedAgain += (byRequest[request] ?? never).asked - (this.#before[request] ?? never).asked;
    }
    this.#lives++;
    for (const [request, times] of journals) {
      expect(times, `answers to request ${request} in the journals`).toBe(1);
      // Once for each life up to the one that kept the answer, as each of them before that was killed too early.
      if (this.#journaled.has(request)) continue;
      expect(byRequest[request]?.answered, `answers to request ${request}`).toBeLessThanOrEqual(this.#lives);
    }
    const notKept = Object.entries(byRequest).filter(([request, { answered }]) => {
      return answered > (this.#before[request] ?? never).answered && !journals.has(request);
    });
    expect(notKept.length, 'answers that were not journaled').toBeLessThanOrEqual(this.#mostOpen);
    this.#journaled = new Set(journals.keys());
    this.#before = byRequest;
  }

  async counts(): Promise<CallCounts> {
    const { answered, byRequest } = await this.scene.endpoint.stats();
    const lost = Object.values(byRequest).reduce((sum, request) => sum + Math.max(0, request.answered - 1), 0);
    return { answered, lost, askedAgain: this.#askedAgain };
  }
}
