/** The end of a call that comes from outside, as an abort signal at a fraction of its price. */
export class Ending {
  #ended: { readonly reason: unknown } | undefined;
  readonly #listeners = new Set<(reason: unknown) => void>();

  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    for (const listener of [...this.#listeners]) listener(reason);
    this.#listeners.clear();
  }

  throwIfEnded(): void {
    if (this.#ended) throw this.#ended.reason;
  }

  /** Calls once when it ends, at once where it has. Gives the function that takes the listener away. */
  listen(listener: (reason: unknown) => void): () => void {
    if (this.#ended) {
      listener(this.#ended.reason);
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For interfaces that take a signal. */
  signal(): AbortSignal {
    const controller = new AbortController();
    this.listen((reason) => controller.abort(reason));
    return controller.signal;
  }
}
