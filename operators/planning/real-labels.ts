import type { Changes } from '../flow/outcome.js';

const key = 'real-labels';
/** Real records after which one counts half. */
const halfLife = 1024;
const fading = 2 ** (-1 / halfLife);

/** Which labels the real stream has now: decayed counts, of which a record weighs half after 1024 more. Keeps a number for each label. */
export class RealLabels {
  readonly #counts: Map<string, number>;

  constructor(memory: ReadonlyMap<string, unknown>) {
    this.#counts = new Map(Object.entries((memory.get(key) ?? {}) as Readonly<Record<string, number>>));
  }

  /** Counts a record, if it has one of the labels. */
  add(label: string | undefined, values: readonly string[]): Changes {
    if (label === undefined || !values.includes(label)) return [];
    for (const [other, count] of this.#counts) this.#counts.set(other, count * fading);
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
    return [[key, Object.fromEntries(this.#counts)]];
  }

  /** The shares of the labels; all alike while no record had one. */
  shares(values: readonly string[]): readonly number[] {
    const counts = values.map((value) => this.#counts.get(value) ?? 0);
    const sum = counts.reduce((all, count) => all + count, 0);
    return counts.map((count) => (sum > 0 ? count / sum : 1 / values.length));
  }
}
