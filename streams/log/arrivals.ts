/** How long a write of another process may go unnoticed while a reader waits. */
const pollMs = 50;

interface Waiter {
  readonly place: string;
  readonly isDue: () => boolean;
  readonly wake: () => void;
}

/** Readers that wait for messages: woken at once by this process, within 50 ms by others; no timer runs while nobody waits. */
export class Arrivals {
  readonly #waiters = new Set<Waiter>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly refresh: () => void) {}

  /** Resolves when the place got messages, `isDue` turned true, or a signal was aborted. */
  wait(place: string, isDue: () => boolean, signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(waiter);
        if (this.#waiters.size === 0) this.#stop();
        for (const signal of signals) signal.removeEventListener('abort', wake);
        resolve();
      };
      const waiter = { place, isDue, wake };
      this.#waiters.add(waiter);
      for (const signal of signals) signal.addEventListener('abort', wake);
      this.#timer ??= setInterval(() => this.#poll(), pollMs);
    });
  }

  notify(places: readonly string[]): void {
    const changed = new Set(places);
    for (const waiter of this.#waiters) if (changed.has(waiter.place)) waiter.wake();
  }

  #poll(): void {
    this.refresh();
    for (const waiter of this.#waiters) if (waiter.isDue()) waiter.wake();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
