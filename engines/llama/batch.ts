import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Token } from 'node-llama-cpp';

import type { Meter } from '../../operators/meter.js';
import type { Lane, Work } from './lane.js';

export interface BatchOptions {
  /** In the order of their sequences. */
  readonly lanes: readonly Lane[];
  /** How many of them, from the first, are given work; the others only fill up. */
  readonly slots: number;
  /**
   * Rows of a batch come in groups of this many: where matrix kernels treat a single row unlike a group of them, idle lanes
   * fill the group up, and the same request gives the same text in any company.
   */
  readonly rows: number;
  /** What idle lanes evaluate. */
  readonly filler: Token;
  readonly meter: Meter;
}

interface Job extends Work {
  readonly signal: AbortSignal;
  readonly done: () => void;
  readonly failed: (reason: unknown) => void;
}

/**
 * Works on many requests at once, one token of each in a batch. First come, first served; prompts are evaluated in
 * chunks, each alone, before the next token of the others: full batches cost half as much a token as broken ones.
 */
export class Batch {
  readonly #options: BatchOptions;
  readonly #queue: Job[] = [];
  /** By lane. */
  readonly #jobs: (Job | undefined)[];
  #running: Promise<void> | undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#jobs = options.lanes.map(() => undefined);
  }

  /** Resolves when the answer has ended; rejects with the signal's reason when nothing is held for the work any more. */
  run(work: Work, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const job: Job = {
        ...work,
        signal,
        done: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        failed: (reason) => {
          signal.removeEventListener('abort', leave);
          reject(reason);
        },
      };
      const leave = () => {
        const place = this.#queue.indexOf(job);
        if (place < 0) return;
        this.#queue.splice(place, 1);
        job.failed(signal.reason);
      };
      signal.addEventListener('abort', leave);
      this.#queue.push(job);
      this.#running ??= this.#work();
    });
  }

  /** Resolves when no work is left. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #work(): Promise<void> {
    // Requests of one turn of the event loop are admitted together.
    await nextTurn();
    while (this.#queue.length > 0 || this.#jobs.some((job) => job !== undefined)) {
      try {
        await this.#turn();
      } catch (reason) {
        this.#failAll(reason);
      }
      // A batch of llama.cpp ends one turn after its results; what is queued sooner would fall into the old batch.
      await nextTurn();
    }
    this.#running = undefined;
  }

  async #turn(): Promise<void> {
    await this.#release();
    await this.#admit();
    const unready = this.#jobs.findIndex((job, lane) => job !== undefined && !this.#lane(lane).ready);
    if (unready >= 0) await this.#attempt(unready, (lane) => lane.advance());
    else await this.#step();
  }

  /** A sequence that cannot even be emptied means that the context is lost. */
  #failAll(reason: unknown): void {
    for (const job of [...this.#jobs.splice(0), ...this.#queue.splice(0)]) job?.failed(reason);
    this.#jobs.push(...this.#options.lanes.map(() => undefined));
  }

  /** Frees the lanes of aborted jobs. */
  async #release(): Promise<void> {
    for (const [lane, job] of this.#jobs.entries()) {
      if (job?.signal.aborted === true) await this.#finish(lane, () => job.failed(job.signal.reason));
    }
  }

  /** Gives the first jobs in the queue to the free lanes, lowest lane first. */
  async #admit(): Promise<void> {
    for (let lane = 0; lane < this.#options.slots; lane++) {
      if (this.#jobs[lane] !== undefined) continue;
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#jobs[lane] = job;
      await this.#attempt(lane, (free) => free.begin(job));
    }
  }

  /** One token for each job, in one batch. */
  async #step(): Promise<void> {
    const { lanes, rows, meter } = this.#options;
    const active = (lane: number) => this.#jobs[lane] !== undefined;
    const group = (lane: number) => Math.floor(lane / rows);
    const groups = new Set([...lanes.keys()].filter(active).map(group));
    if (groups.size === 0) return;
    const batch = [...lanes.keys()].filter((lane) => groups.has(group(lane)));
    for (const lane of batch) if (!active(lane)) await this.#lane(lane).clearFiller();
    const results: Promise<void>[] = [];
    for (const lane of batch) {
      results.push(active(lane) ? this.#attempt(lane, (one) => this.#take(lane, one)) : this.#fill(lane));
      // Rows must stand in the order of their sequences, or llama.cpp splits the batch: each is queued before the next.
      await queued();
    }
    await Promise.all(results);
    meter.count('llama_steps');
    meter.count('llama_step_tokens', batch.filter(active).length);
    for (const lane of batch) {
      const job = this.#jobs[lane];
      if (job?.answer.finishReason !== undefined) await this.#finish(lane, job.done);
    }
  }

  async #take(index: number, lane: Lane): Promise<void> {
    this.#jobs[index]?.answer.push(await lane.next());
  }

  async #fill(lane: number): Promise<void> {
    // Where a filler fails, so do the rows that it stands beside, and they say so.
    await this.#lane(lane)
      .fill(this.#options.filler)
      .catch(() => undefined);
  }

  /** Does something for a job; a failure ends the job and frees its lane. */
  async #attempt(lane: number, action: (lane: Lane) => Promise<void>): Promise<void> {
    try {
      await action(this.#lane(lane));
    } catch (reason) {
      const job = this.#jobs[lane];
      await this.#finish(lane, () => job?.failed(reason));
    }
  }

  async #finish(lane: number, settle: () => void): Promise<void> {
    this.#jobs[lane] = undefined;
    try {
      await this.#lane(lane).end();
    } finally {
      settle();
    }
  }

  #lane(index: number): Lane {
    const lane = this.#options.lanes[index];
    if (lane === undefined) throw new RangeError(`no lane ${index}`);
    return lane;
  }
}

/** Resolves when every promise that can settle without input or output has settled. */
function queued(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
