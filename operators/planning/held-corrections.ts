import { type Correction, correctionSchema } from '../../schemas/correction.js';
import type { Changes } from '../flow/outcome.js';

const prefix = 'correction/';

/** Corrections that have come and wait for their turn in the order of plans: at most as many as samples are out. */
export class HeldCorrections {
  readonly #held = new Map<string, Correction>();

  constructor(memory: ReadonlyMap<string, unknown>) {
    for (const [key, value] of memory) {
      if (key.startsWith(prefix)) this.#held.set(key.slice(prefix.length), correctionSchema.parse(value));
    }
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  hold(correction: Correction): Changes {
    this.#held.set(correction.id, correction);
    return [[`${prefix}${correction.id}`, correction]];
  }

  /** Takes one out. Throws `TypeError` where it is not held. */
  take(id: string): { readonly correction: Correction; readonly changes: Changes } {
    const correction = this.#held.get(id);
    if (correction === undefined) throw new TypeError(`the correction ${id} is not held`);
    this.#held.delete(id);
    return { correction, changes: [[`${prefix}${id}`, null]] };
  }
}
