/**
 * The newest `capacity` texts, oldest first out; a text that is in already keeps its place.
 * Each has the number under which it was added, so that the order survives a restart.
 */
export class Newest {
  // A live iterator visits each text once, in order of addition: restarting from the front would step over every removed one.
  readonly #texts = new Set<string>();
  readonly #oldestFirst = this.#texts.values();
  #added = 0;

  constructor(
    readonly capacity: number,
    entries: Iterable<readonly [text: string, number: number]> = [],
  ) {
    for (const [text, number] of [...entries].sort(([, a], [, b]) => a - b)) {
      this.#texts.add(text);
      this.#added = number + 1;
    }
  }

  get size(): number {
    return this.#texts.size;
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  /** Adds a text that is not in; gives its number and what had to leave for it. */
  add(text: string): { readonly number: number; readonly removed: readonly string[] } {
    this.#texts.add(text);
    const removed: string[] = [];
    while (this.#texts.size > this.capacity) {
      const oldest = this.#oldestFirst.next();
      if (oldest.done) break;
      this.#texts.delete(oldest.value);
      removed.push(oldest.value);
    }
    return { number: this.#added++, removed };
  }
}
