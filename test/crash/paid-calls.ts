import { expect } from 'vitest';

import { readJournals } from './read-run.js';
import type { Scene } from './scene.js';

/** How often the models were asked, over all lives of a pipeline. */
export interface CallCounts {
  readonly answered: number;
  /** Requests whose answer was in a journal when a life began, and that this life made again. */
  readonly askedAgain: number;
  /** Answers that were given and were in no journal when their life ended: a kill came between the two. */
  readonly lost: number;
}

/**
 * Follows from life to life which answers the journals hold, and what the endpoint was asked.
 *
 * The journals are read from the log after each death, so an answer counts as journaled exactly when the log holds it; from
 * then on the endpoint must never see its request again.
 */
export class PaidCalls {
  /** Requests in the journals after the last death, with how often they had been asked by then. */
  #journaled = new Map<string, number>();
  /** Deaths that an unjournaled request has seen. */
  #lives = 0;
  #askedAgain = 0;

  constructor(private readonly scene: Scene) {}

  /** To be called when a life has ended. */
  async lifeEnded(): Promise<void> {
    const { byRequest } = await this.scene.endpoint.stats();
    for (const [request, asked] of this.#journaled) this.#askedAgain += (byRequest[request]?.asked ?? 0) - asked;
    const held = await readJournals(this.scene);
    for (const [request, times] of held) {
      expect({ request, times }).toEqual({ request, times: 1 });
      const { answered = 0 } = byRequest[request] ?? {};
      // Once for the answer that was kept, and once for each life before that was killed too early to keep it.
      if (!this.#journaled.has(request)) expect(answered).toBeLessThanOrEqual(this.#lives + 1);
    }
    this.#journaled = new Map([...held.keys()].map((request) => [request, byRequest[request]?.asked ?? 0]));
    this.#lives++;
  }

  async counts(): Promise<CallCounts> {
    const { answered, byRequest } = await this.scene.endpoint.stats();
    const repeated = Object.values(byRequest).reduce((sum, request) => sum + Math.max(0, request.answered - 1), 0);
    return { answered, askedAgain: this.#askedAgain, lost: repeated };
  }
}
