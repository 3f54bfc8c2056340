/** One answer as it came. */
export interface Timing {
  readonly firstMs: number;
  readonly totalMs: number;
  readonly completionTokens: number;
}

/** Below this share of the time between the first piece and the end, an answer came as a whole. */
const streamedShare = 0.1;

/**
 * What an answer of the usual length would have taken: how fast a server is, whatever it was asked.
 *
 * An answer of 1,000 tokens takes longer than one of 10 at any load. Where tokens are streamed, the time to the first one (the
 * queue and the prompt) and the time for each token (the batch) tell the load apart from the length; the usual length only
 * weighs the two. An answer that came as a whole counts as it is: medians have to bear its length.
 */
export class Pace {
  #usualTokens = 0;
  #answers = 0;

  latencyMs({ firstMs, totalMs, completionTokens }: Timing): number {
    this.#answers = Math.min(256, this.#answers + 1);
    this.#usualTokens += (completionTokens - this.#usualTokens) / this.#answers;
    const streamedMs = totalMs - firstMs;
    if (completionTokens < 1 || streamedMs < streamedShare * totalMs) return totalMs;
    return firstMs + (streamedMs / completionTokens) * this.#usualTokens;
  }
}
