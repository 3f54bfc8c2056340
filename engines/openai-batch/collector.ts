import type { Clock } from '../openai/clock.js';
import { Failure } from '../openai/failure.js';
import type { Asked, AskedRequests } from './asked.js';
import type { BatchApi, ServerBatch } from './batch-api.js';
import { ended } from './earlier-batches.js';
import { completionIn } from './exchange.js';
import { type Result, resultOf } from './lines.js';
import type { BatchSettings } from './options.js';
import type { Schedule } from './schedule.js';
import type { SentBatch, SentBatches } from './sent-batches.js';
import type { ServerDialect } from './server-dialect.js';

export interface CollectorOptions {
  readonly api: BatchApi;
  readonly settings: Pick<BatchSettings, 'model' | 'price'>;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly asked: AskedRequests;
  readonly sent: SentBatches;
  readonly dialect: ServerDialect;
  /** Has a request that got no answer asked again. */
  readonly place: (asked: Asked) => void;
  readonly signal: AbortSignal;
}

/** After so long what others have enqueued is done, and there would have been room for a batch. */
const dayMs = 86_400_000;

/** Looks at batches, and hands the results of those that have ended to the requests that wait for them. */
export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** One look, after which the schedule knows of the next. Never rejects: requests do. */
  async look(id: string): Promise<void> {
    const { api, asked, schedule, clock, signal } = this.#options;
    const batch = this.#options.sent.get(id);
    if (batch === undefined) return;
    try {
      const found = await api.retrieve(id);
      if (ended.has(found.status)) await this.#collect(batch, found);
      else schedule.watch(id, clock.now());
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Failure && error.retriable) schedule.lookFailed(id, clock.now());
      else this.#unanswered(batch, asked.of(batch.open), error);
    }
  }

  /** Hands results to those who wait; what nobody waits for stays to be asked for. */
  async #collect(batch: SentBatch, found: ServerBatch): Promise<void> {
    const { api, asked } = this.#options;
    // Those that are asked for while it is read are read another time.
    const wanted = asked.of(batch.open).map(({ key }) => key);
    for (const file of found.resultFiles) {
      for await (const line of api.lines(file)) {
        const result = line === undefined ? undefined : resultOf(line);
        if (result !== undefined && batch.open.has(result.customId)) this.#take(batch, result);
      }
    }
    const { status, why } = found;
    const said = `its batch ${batch.id} is ${status} and has no answer to it${why === '' ? '' : `: ${why}`}`;
    const isTry = this.#countsAsTry(batch, found);
    // Nothing of a batch that failed as a whole was run or paid for; what was expired may be done another day.
    const failure = new Failure(why === '' ? 'endpoint-unreachable' : 'endpoint-refused', said, true);
    const left = asked.of(wanted.filter((key) => batch.open.has(key)));
    this.#unanswered(batch, left, failure, isTry);
  }

  /** Tells the schedule how the batch ended. Too much enqueued is no failed try, until a day has shown that waiting does not help. */
  #countsAsTry(batch: SentBatch, { status, route, isOverLimit }: ServerBatch): boolean {
    const { schedule, clock } = this.#options;
    const now = clock.now();
    const endsNow = !batch.hasEnded;
    batch.hasEnded = true;
    if (status !== 'failed') {
      // One that is read again for a late request makes no room.
      if (endsNow) schedule.batchEnded(route);
      return true;
    }
    if (endsNow) schedule.batchFailed(route, now, isOverLimit ? batch.open.size : undefined);
    return !isOverLimit || schedule.failingFor(route, now) >= dayMs;
  }

  #take(batch: SentBatch, result: Result): void {
    const { settings, clock, asked, sent, dialect, place } = this.#options;
    const one = asked.get(result.customId);
    if (one === undefined) return;
    sent.settle(batch, one.key);
    try {
      asked.resolve(one, completionIn(result, one, settings, clock.now()));
    } catch (error) {
      if (dialect.narrow(batch.dialect, error) || asked.triesAgain(one, error)) place(one);
    }
  }

  /** Those of an ended batch to which it has no answer. */
  #unanswered(batch: SentBatch, left: readonly Asked[], error: unknown, isTry = true): void {
    const { asked, sent, place } = this.#options;
    for (const one of left) {
      sent.settle(batch, one.key);
      if (!isTry || asked.triesAgain(one, error)) place(one);
    }
    sent.forgetIfDone(batch);
  }
}
