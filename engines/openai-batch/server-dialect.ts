import { Failure } from '../openai/failure.js';
import { type Dialect, narrowed, widest } from '../openai/payload.js';

/** As OpenAI takes requests; what it refuses of them narrows it. */
export const firstDialect: Dialect = { ...widest, streamOptions: false, continueFinal: false, stops: 4 };

/** The fields that the server takes, as far as its refusals have told. */
export class ServerDialect {
  #current = firstDialect;

  get current(): Dialect {
    return this.#current;
  }

  /** Whether a request that was `written` so, and refused, may be sent again without a field; later ones go without it too. */
  narrow(written: Dialect, error: unknown): boolean {
    const narrower = error instanceof Failure ? narrowed(written, error) : undefined;
    if (narrower === undefined) return false;
    if (this.#current === written) this.#current = narrower;
    return true;
  }
}
