import { z } from 'zod';

import type { Correction } from '../../../schemas/correction.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import { restoredFloats, storedFloats } from '../../flow/stored-floats.js';
import { leadingFeatures } from '../../kernels/mmd/leading-features.js';
import { Newma, newmaLearning } from '../../kernels/sequential/newma.js';
import type { NewmaDrift } from './drift-options.js';
import {
  cooled,
  type DriftStep,
  type DriftWatch,
  type DriftWatchOptions,
  since,
  storedDrift,
  testedFrequencies,
} from './drift-watch.js';

const count = z.int().nonnegative();
const stored = z.object({
  settings: z.string(),
  phase: z.enum(['following', 'cooling']),
  /** Real records in this phase. */
  count,
  alarms: count,
  /** Real records that had come at the last alarm. */
  alarmedAt: count.optional(),
  statistic: z.number(),
  /** Null while it is learned, and while it cools down. */
  threshold: z.number().nullable(),
});
type State = z.infer<typeof stored>;

/** The averages as they were after `items` real records. */
const storedAverages = z.object({
  settings: z.string(),
  items: count,
  mean: z.number(),
  meanSquare: z.number(),
  quick: z.string(),
  slow: z.string(),
  squares: z.string(),
});

/** Real records between two times that the averages are stored, where the real window has as many. */
const mostReplayed = 512;

/**
 * Whether the real stream has changed against its own recent past: NEWMA, without a reference.
 *
 * Phases, each a number of real records: *following*, of which the first `newmaLearning` are learned from and not tested; after an alarm *cooling*
 * for a window, and following with new averages. Under `drift` in the memory, and the averages under `drift/averages` every 512 records (or a
 * rolling window, where that is less): a restart goes on from these with the records since, which the real window has. 22 KB at 512
 * frequencies and 11 bytes for each record of `drift.window`; about as much in memory.
 */
export class NewmaWatch implements DriftWatch {
  readonly #options: DriftWatchOptions<NewmaDrift>;
  readonly #learning: number;
  readonly #storedEvery: number;
  readonly #phi: Float64Array;
  #state: State;
  #newma: Newma | undefined;

  /** Throws `HeadwaterError` with `record-invalid` where the memory is damaged. */
  constructor(options: DriftWatchOptions<NewmaDrift>) {
    const { drift, real, seed, frequencies, memory } = options;
    const tested = Math.min(frequencies, testedFrequencies);
    const settings = `newma ${drift.window} ${drift.deviations} ${tested} ${seed}`;
    const { state, alarms } = storedDrift(memory, settings, stored);
    this.#options = options;
    this.#learning = newmaLearning(drift.window);
    this.#storedEvery = Math.min(real.capacity, mostReplayed);
    this.#phi = new Float64Array(2 * tested);
    this.#state = state ?? { settings, phase: 'following', count: 0, alarms, statistic: 0, threshold: null };
  }

  get alarms(): number {
    return this.#state.alarms;
  }

  useFeatures(): void {
    const following = this.#state.phase === 'following' ? this.#state.count : 0;
    this.#newma = following === 0 ? this.#fresh() : this.#restored(following);
  }

  arrived(): DriftStep {
    // without a bandwidth there is nothing to average yet
    if (this.#newma === undefined) return { changes: [], happened: 'nothing' };
    return this.#state.phase === 'cooling' ? this.#cool() : this.#follow(this.#newma);
  }

  report(): NonNullable<Correction['drift']> {
    const { phase, count, alarms, alarmedAt, statistic, threshold } = this.#state;
    const tested = phase === 'following' ? Math.max(0, count - this.#learning) : 0;
    const { real, drift } = this.#options;
    const { window } = drift;
    return { statistic, threshold, expectedRunTime: null, tested, window, alarms, ...since(real, alarmedAt) };
  }

  #follow(newma: Newma): DriftStep {
    const { statistic, threshold, alarm } = newma.push(this.#featuresOf(this.#options.real.seen - 1));
    if (alarm) return this.#raise(statistic);
    const count = this.#state.count + 1;
    const moved = this.#move({ count, statistic, threshold });
    const happened = count === this.#learning ? 'reference taken' : 'nothing';
    return {
      changes: count % this.#storedEvery === 0 ? [...moved, averages(newma, this.#state.settings)] : moved,
      happened,
    };
  }

  #raise(statistic: number): DriftStep {
    this.#newma = this.#fresh();
    const alarms = this.#state.alarms + 1;
    const alarmedAt = this.#options.real.seen;
    const moved = this.#move({ phase: 'cooling', count: 0, alarms, alarmedAt, statistic, threshold: null });
    return { changes: [...moved, ['drift/averages', null]], happened: 'alarm' };
  }

  #cool(): DriftStep {
    const { window } = this.#options.drift;
    return { changes: this.#move(cooled(this.#state.count, window, 'following')), happened: 'nothing' };
  }

  #move(state: Partial<State>): Changes {
    this.#state = { ...this.#state, ...state };
    return [['drift', this.#state]];
  }

  #fresh(): Newma {
    return new Newma(this.#newmaOptions);
  }

  get #newmaOptions() {
    const { window, deviations } = this.#options.drift;
    return { length: this.#phi.length, window, deviations };
  }

  /** The averages that the memory holds, and the real records since; those of other settings are passed over. */
  #restored(following: number): Newma {
    const { memory, real } = this.#options;
    const found = storedAverages.optional().safeParse(memory.get('drift/averages') ?? undefined);
    const data = found.data?.settings === this.#state.settings ? found.data : undefined;
    const since = following - (data?.items ?? 0);
    if (!found.success || since < 0 || since >= this.#storedEvery || since > real.size) {
      throw new HeadwaterError('record-invalid', 'the memory lacks the averages of a drift, or they cannot be read');
    }
    const newma = data === undefined ? this.#fresh() : this.#resumed(data);
    for (let number = real.seen - since; number < real.seen; number++) newma.push(this.#featuresOf(number));
    return newma;
  }

  #resumed({ settings: _, quick, slow, squares, ...moments }: z.infer<typeof storedAverages>): Newma {
    const vectors = { quick: restoredFloats(quick), slow: restoredFloats(slow), squares: restoredFloats(squares) };
    try {
      return new Newma(this.#newmaOptions, { ...moments, ...vectors });
    } catch (cause) {
      throw new HeadwaterError('record-invalid', 'the memory holds averages of a drift that are cut', { cause });
    }
  }

  #featuresOf(number: number): Float64Array {
    return leadingFeatures(this.#options.real.featuresOf(number), this.#phi);
  }
}

function averages(newma: Newma, settings: string): Changes[number] {
  const { quick, slow, squares, ...moments } = newma.state;
  const vectors = { quick: storedFloats(quick), slow: storedFloats(slow), squares: storedFloats(squares) };
  return ['drift/averages', { settings, ...moments, ...vectors }];
}
