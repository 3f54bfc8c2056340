import { concat, concatAll, concatMap, defer, finalize, type OperatorFunction } from 'rxjs';

import type { Outcome } from '../../operators/flow/outcome.js';
import type { Correction } from '../../schemas/correction.js';
import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Sample } from '../../schemas/sample.js';
import type { Shard } from '../../schemas/shard.js';
import type { Tick } from '../../schemas/tick.js';
import type { Position } from '../stage/stage.js';
import { partialNames, recoverLane } from './shard-folder.js';
import type { ShardMaker } from './shard-maker.js';
import type { ShardFormat } from './shard-writer.js';

export interface ShardOptions extends ShardFormat {
  /** The shard folder, which must exist; `checkShardFolder` makes it. */
  readonly dir: string;
  readonly domain: Domain;
  /** Of the embedding; null leaves the column out. */
  readonly dimensions: number | null;
  /** A shard is closed when it has this many rows. */
  readonly rows: number;
  /** A shard is closed when its rows take this many bytes in memory, before any compression. */
  readonly bytes: number;
  /** The partition whose samples these are; part of the names of files. */
  readonly lane: number;
  /** Where a sample lies on its topic: what shards are named by. */
  readonly positionOf: (sample: Sample) => Position | undefined;
  /** The operator's memory at the last commit. @default empty */
  readonly memory?: ReadonlyMap<string, unknown>;
}

type In = Sample | Correction | Tick;
type Out = Shard | Tick;

const mmdKey = 'mmd2';
/** Samples of the lane whose outcomes are committed. */
const countKey = 'samples';

/**
 * Samples in, durable shard files and their records out.
 *
 * A shard is closed by its rows, by their bytes, by an `interval` or `complete` tick, or when the source completes; all of it
 * from the records alone, so a replay writes the same file under the same name. The outcomes of a shard's samples are held
 * until its file is durable: all are absorbed but the last, which emits the shard. So the source must let more than `rows`
 * samples be in flight. A `complete` tick waits for the last of its lane's samples, and is handed on behind their shard; a
 * correction only sets the newest MMD. This and the count of samples are kept in the operator's memory. A sample that cannot be
 * written unchanged is dead with code `value-unencodable`, and the shard goes on.
 *
 * At the first sample, unfinished files that a crash left are removed; unsubscription removes the file in progress.
 * Memory: the samples of one shard, whose outcomes are open, and one row group.
 *
 * Errors the stream with `HeadwaterError`: `store-full`, `store-unwritable`, `data-foreign` (the folder is another run's).
 *
 * @example
 * ```ts
 * samples.pipe(
 *   shard({ dir: 'out', domain, dimensions: 256, format: 'parquet', compression: 'zstd', rows: 5000, bytes: 2 ** 26, lane: 0,
 *     positionOf: ({ lane, ordinal }) => ({ topic: 'samples', partition: lane, offset: ordinal }) }),
 *   emitted(),
 * );
 * ```
 */
export function shard(options: ShardOptions): OperatorFunction<In, Outcome<In, Out>> {
  for (const name of ['rows', 'bytes'] as const) {
    if (options[name] >= 1) continue;
    throw new TypeError(`shard: expected ${name} to be at least 1, got ${options[name]}`);
  }
  return (source) =>
    defer(() => {
      const sharding = new Sharding(options);
      // Always by a promise: answers at once to a long backlog would recurse until the stack is full.
      return concat(
        source.pipe(concatMap((input) => sharding.take(input))),
        defer(() => sharding.drain()),
      ).pipe(
        concatAll(),
        finalize(() => sharding.abort()),
      );
    });
}

type Outcomes = readonly Outcome<In, Out>[];

/** The shard in progress and the samples whose outcomes wait for it. One call at a time. */
class Sharding {
  /** From the first sample on: its libraries are large, and many a process never writes a shard. */
  #maker: ShardMaker | undefined;
  /** The samples of the shard in progress, in order. */
  #held: Sample[] = [];
  /** Samples with an outcome, of all runs. */
  #counted: number;
  /** `complete` ticks of which samples are missing, which lie on another topic than these. */
  #waiting: Tick[] = [];
  #recovered = false;
  /** What a crash left, seen before anybody could succeed us. */
  readonly #partials: readonly string[];
  #aborted = false;
  #mmd2: number | null;

  constructor(private readonly options: ShardOptions) {
    this.#partials = partialNames(options.dir, options.lane);
    const mmd2 = options.memory?.get(mmdKey);
    this.#mmd2 = typeof mmd2 === 'number' ? mmd2 : null;
    const counted = options.memory?.get(countKey);
    this.#counted = typeof counted === 'number' ? counted : 0;
  }

  async take(input: In): Promise<Outcomes> {
    if (input.kind === 'sample') return this.#takeSample(input);
    if (input.kind === 'tick') return this.#takeTick(input);
    this.#mmd2 = input.mmd2;
    return [{ kind: 'absorbed', input, changes: [[mmdKey, input.mmd2]] }];
  }

  async drain(): Promise<Outcomes> {
    return this.#close('drain');
  }

  abort(): void {
    this.#aborted = true;
    this.#maker?.abort();
  }

  async #takeSample(sample: Sample): Promise<Outcomes> {
    const { dir, lane, positionOf } = this.options;
    const position = positionOf(sample);
    if (position === undefined) throw new TypeError(`shard: positionOf knows no position of the sample ${sample.id}`);
    const partials = this.#partials;
    if (!this.#recovered) await recoverLane(dir, { lane, next: position.offset, partials });
    this.#recovered = true;
    const maker = await this.#opened();
    // Nobody would remove a file that is begun after the end.
    if (this.#aborted) return [];
    try {
      await maker.add(sample, position);
    } catch (error) {
      if (!(error instanceof HeadwaterError && error.code === 'value-unencodable')) throw error;
      this.#counted++;
      const changes = [[countKey, this.#counted]] as const;
      const dead = { kind: 'dead', input: sample, changes, code: error.code, message: error.message } as const;
      return [dead, ...(await this.#completed())];
    }
    this.#held.push(sample);
    const full = this.#full();
    return [...(full === undefined ? [] : await this.#close(full)), ...(await this.#completed())];
  }

  async #takeTick(tick: Tick): Promise<Outcomes> {
    if (tick.reason === 'target') return [{ kind: 'absorbed', input: tick }];
    if (tick.reason === 'interval') return [...(await this.#close('tick')), { kind: 'absorbed', input: tick }];
    this.#waiting.push(tick);
    return this.#completed();
  }

  /** What ends with the ticks whose samples are all here. */
  async #completed(): Promise<Outcomes> {
    const here = this.#counted + this.#held.length;
    const due = this.#waiting.filter(({ total }) => here >= (total ?? 0));
    if (due.length === 0) return [];
    this.#waiting = this.#waiting.filter((tick) => !due.includes(tick));
    const closed = await this.#close('complete');
    return [...closed, ...due.map((tick) => ({ kind: 'emitted', input: tick, outputs: [tick] }) as const)];
  }

  async #opened(): Promise<ShardMaker> {
    if (this.#maker !== undefined) return this.#maker;
    const { ShardMaker: Maker } = await import('./shard-maker.js');
    this.#maker = new Maker(this.options);
    return this.#maker;
  }

  #full(): 'rows' | 'bytes' | undefined {
    if (this.#held.length >= this.options.rows) return 'rows';
    return (this.#maker?.bytes ?? 0) >= this.options.bytes ? 'bytes' : undefined;
  }

  /** The outcomes of the samples held, when their file is durable; none where there are no samples. */
  async #close(closedBy: Shard['closedBy']): Promise<Outcomes> {
    if (this.#held.length === 0) return [];
    const made = await (await this.#opened()).finish(closedBy, this.#mmd2);
    const held = this.#held;
    this.#held = [];
    this.#counted += held.length;
    const changes = [[countKey, this.#counted]] as const;
    return held.map((input, index) =>
      index === held.length - 1 ? { kind: 'emitted', input, outputs: [made], changes } : { kind: 'absorbed', input },
    );
  }
}
