import { AllowedShare } from './allowed-share.js';
import type { Answer } from './answer.js';
import type { Durations } from './durations.js';
import { Ending } from './ending.js';
import type { Hedge } from './options.js';
import type { Place } from './places.js';

export interface Race {
  /** Of the call: ends both requests. */
  readonly ending: Ending;
  /** Milliseconds after which the second copy is sent. */
  readonly afterMs: number;
  readonly place: Place;
  /** A place for the second copy. */
  readonly spare: (ending: Ending) => Promise<Place>;
  readonly send: (place: Place, ending: Ending) => Promise<Answer>;
}

/** Why a request is left whose copy was answered first. */
const lost = new Error('another copy was answered first');

/**
 * A second copy of a request that takes longer than such requests do: the first answer counts, the other request is aborted.
 *
 * Copies have the same seed, so their answers are equivalent. At most a share of all requests has a copy, which gets the next
 * place that is free.
 */
export class Hedging {
  readonly #hedge: Hedge;
  readonly #allowed: AllowedShare;
  #sent = 0;

  constructor(hedge: Hedge) {
    this.#hedge = hedge;
    this.#allowed = new AllowedShare(hedge.share);
  }

  /** Copies sent. */
  get sent(): number {
    return this.#sent;
  }

  /** When a request's copy is due; undefined while too few answers of its kind are known. */
  afterMs(durations: Durations): number | undefined {
    this.#allowed.earn();
    const { after } = this.#hedge;
    return 'ms' in after ? after.ms : durations.quantile(after.quantile);
  }

  /** The first answer; rejects once neither request can be answered any more, with the later failure. */
  async raced({ ending, afterMs, place, spare, send }: Race): Promise<Answer> {
    const first = new Ending();
    const second = new Ending();
    const unlisten = ending.listen((reason) => {
      first.end(reason);
      second.end(reason);
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        let open = 0;
        const run = (at: Place, own: Ending, other: Ending) => {
          open += 1;
          send(at, own).then(
            (answer) => {
              resolve(answer);
              other.end(lost);
            },
            (error) => {
              open -= 1;
              if (open > 0) return;
              reject(error);
              other.end(lost);
            },
          );
        };
        run(place, first, second);
        timer = setTimeout(() => {
          if (!this.#allowed.take()) return;
          // A copy that is answered before it is sent needs no place.
          spare(second).then(
            (copy) => {
              this.#sent += 1;
              run(copy, second, first);
            },
            () => undefined,
          );
        }, afterMs);
      });
    } finally {
      clearTimeout(timer);
      unlisten();
    }
  }
}
