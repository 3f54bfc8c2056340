import type { Outcome } from '../../operators/flow/outcome.js';
import type { AnyRecord } from '../../schemas/codec.js';
import type { Message } from '../topics.js';
import type { Place } from './progress.js';

/** How an input ended, and what is to be written with its commit. */
export interface Result {
  readonly outcome: Outcome<AnyRecord, AnyRecord>;
  readonly messages: readonly Message[];
}

interface Numbered extends Result {
  readonly completion: number;
}

/** What is finished and not yet committed; as many as the credit lets in. */
export class Results {
  readonly #byTopic = new Map<string, Map<number, Numbered>>();
  #completions = 0;

  add({ topic, offset }: Place, { outcome, messages }: Result): void {
    const byOffset = this.#byTopic.get(topic) ?? new Map<number, Numbered>();
    this.#byTopic.set(topic, byOffset.set(offset, { outcome, messages, completion: this.#completions++ }));
  }

  /** Takes those below the offsets out, in the order of completion. */
  takeBelow(offsets: ReadonlyMap<string, number>): readonly Result[] {
    const taken: Numbered[] = [];
    for (const [topic, end] of offsets) {
      const byOffset = this.#byTopic.get(topic);
      if (byOffset === undefined) continue;
      for (const [offset, result] of byOffset) {
        if (offset >= end) continue;
        taken.push(result);
        byOffset.delete(offset);
      }
    }
    return taken.sort((a, b) => a.completion - b.completion);
  }
}
