type Listener = (reason: unknown) => void;

/** The end of a call that comes from outside, as an abort signal at a fraction of its price. */
export class Ending {
  #ended: { readonly reason: unknown } | undefined;
  /** Most calls have one at a time, and a set for each costs more than the rest of an ending. */
  #listener: Listener | undefined;
  #others: Set<Listener> | undefined;

  end(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = { reason };
    const listeners = [this.#listener, ...(this.#others ?? [])];
    this.#listener = undefined;
    this.#others = undefined;
    for (const listener of listeners) listener?.(reason);
  }

  throwIfEnded(): void {
    if (this.#ended) throw this.#ended.reason;
  }

  /** Calls once when it ends, at once where it has. Gives the function that takes the listener away. */
  listen(listener: Listener): () => void {
    if (this.#ended) {
      listener(this.#ended.reason);
      return () => undefined;
    }
    if (this.#listener === undefined) this.#listener = listener;
    else {
      this.#others ??= new Set();
      this.#others.add(listener);
    }
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
      else this.#others?.delete(listener);
    };
  }

  /** For interfaces that take a signal. */
  signal(): AbortSignal {
    const controller = new AbortController();
    this.listen((reason) => controller.abort(reason));
    return controller.signal;
  }
}
