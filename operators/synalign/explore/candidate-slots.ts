import type { Candidate } from './candidate.js';

/** Candidates by slot, with the prints of their embeddings. */
export class CandidateSlots {
  #candidates: Candidate[] = [];
  /** How many candidates have a print. */
  readonly #prints = new Map<string, number>();

  get all(): readonly Candidate[] {
    return this.#candidates;
  }

  /** Whether no slot below the last one is empty. */
  get isWhole(): boolean {
    return Object.keys(this.#candidates).length === this.#candidates.length;
  }

  /** Whether a candidate has an equal embedding. */
  hasCopy(print: string): boolean {
    return this.#prints.has(print);
  }

  /** Puts a candidate into its slot, which is free. */
  place(candidate: Candidate): void {
    this.#candidates[candidate.slot] = candidate;
    this.#prints.set(candidate.print, (this.#prints.get(candidate.print) ?? 0) + 1);
  }

  /** Frees a slot for the next `place`; gives who leaves it. */
  leave(slot: number): Candidate | undefined {
    const leaving = this.#candidates[slot];
    if (leaving === undefined) return undefined;
    const others = (this.#prints.get(leaving.print) ?? 1) - 1;
    if (others === 0) this.#prints.delete(leaving.print);
    else this.#prints.set(leaving.print, others);
    return leaving;
  }

  /** Lets all others go; these move to the first slots, in the order in which they came. */
  keep(isKept: (candidate: Candidate) => boolean): void {
    const kept = this.#candidates.filter(isKept).sort((a, b) => a.at - b.at);
    this.#candidates = [];
    this.#prints.clear();
    for (const [slot, candidate] of kept.entries()) this.place({ ...candidate, slot });
  }

  /** The one that came first of those that are meant. */
  oldest(isMeant: (candidate: Candidate) => boolean): Candidate | undefined {
    let oldest: Candidate | undefined;
    for (const candidate of this.#candidates) {
      if (isMeant(candidate) && (oldest === undefined || candidate.at < oldest.at)) oldest = candidate;
    }
    return oldest;
  }
}
