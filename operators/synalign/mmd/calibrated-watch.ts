import { z } from 'zod';

import type { Correction } from '../../../schemas/correction.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import { leadingFeatures } from '../../kernels/mmd/leading-features.js';
import type { RandomFeatures } from '../../kernels/mmd/random-features.js';
import { hashUint32 } from '../../kernels/random.js';
import { Calibration } from '../../kernels/sequential/calibrated-thresholds.js';
import { DriftTest, splitReference } from '../../kernels/sequential/drift-test.js';
import type { CalibratedDrift } from './drift-options.js';
import { DriftReference } from './drift-reference.js';
import {
  cooled,
  type DriftStep,
  type DriftWatch,
  type DriftWatchOptions,
  since,
  storedDrift,
  testedFrequencies,
} from './drift-watch.js';

/** Lost steps that are repeated with one record, beside its own. */
const mostRepeated = 4;

const count = z.int().nonnegative();
const stored = z.object({
  settings: z.string(),
  phase: z.enum(['collecting', 'calibrating', 'testing', 'cooling']),
  /** Real records in this phase. */
  count,
  alarms: count,
  /** Real records that had come at the last alarm. */
  alarmedAt: count.optional(),
  statistic: z.number(),
});
type State = z.infer<typeof stored>;

/**
 * Whether the real stream has drifted from a frozen reference, with alarms as rare as was asked.
 *
 * Phases, each a number of real records: *collecting* the reference; *calibrating*, a step of 10 to 30 ms of work a record, in which nothing is
 * tested; *testing* each one; after an alarm *cooling* for a window, and collecting again. All of it depends on the seed and the records alone, and
 * a restart goes on from the memory: `drift`, `drift/reference/SLOT`, `drift/thresholds`. A restart amid a calibration repeats its steps,
 * up to 4 more a record, and what is left then where it might end.
 */
export class CalibratedWatch implements DriftWatch {
  readonly #options: DriftWatchOptions<CalibratedDrift>;
  readonly #reference: DriftReference;
  readonly #phi: Float64Array;
  #state: State;
  #features: RandomFeatures | undefined;
  #calibration: Calibration | undefined;
  /** Steps of the calibration that a restart has lost. */
  #lost = 0;
  #test: DriftTest | undefined;
  #thresholds: Float64Array | undefined;

  /** Throws `HeadwaterError` with `record-invalid` where the memory is damaged. */
  constructor(options: DriftWatchOptions<CalibratedDrift>) {
    const { drift, seed, frequencies, memory, dimensions } = options;
    const tested = Math.min(frequencies, testedFrequencies);
    const { expectedRunTime, window, reference } = drift;
    const settings = `${expectedRunTime} ${window} ${reference} ${tested} ${seed}`;
    this.#options = options;
    this.#phi = new Float64Array(2 * tested);
    const { state, alarms } = storedDrift(memory, settings, stored);
    // with other settings a new reference is collected
    this.#state = state ?? { settings, phase: 'collecting', count: 0, alarms, statistic: 0 };
    const kept =
      this.#state.phase === 'cooling' ? 0 : this.#state.phase === 'collecting' ? this.#state.count : reference;
    this.#reference = new DriftReference({ drawnFrom: reference, window, dimensions, seed }, kept, memory);
    if (this.#state.phase === 'testing') this.#thresholds = restoredThresholds(memory, window);
  }

  get alarms(): number {
    return this.#state.alarms;
  }

  useFeatures(features: RandomFeatures): void {
    this.#features = features;
    const { phase, count } = this.#state;
    if (phase === 'calibrating') this.#lost = count;
    if (phase === 'testing') this.#begin(features, count);
  }

  arrived(): DriftStep {
    const { phase } = this.#state;
    if (phase === 'collecting') return this.#collect();
    if (phase === 'calibrating') return this.#advance();
    return phase === 'testing' ? this.#examine() : this.#cool();
  }

  report(): NonNullable<Correction['drift']> {
    const { phase, count, alarms, alarmedAt, statistic } = this.#state;
    const { expectedRunTime, window } = this.#options.drift;
    const tested = phase === 'testing' ? count : 0;
    const last = (this.#thresholds?.length ?? 0) - 1;
    const threshold = phase === 'testing' ? (this.#thresholds?.[Math.min(Math.max(tested, 1), last)] ?? null) : null;
    return { statistic, threshold, expectedRunTime, tested, window, alarms, ...since(this.#options.real, alarmedAt) };
  }

  #collect(): DriftStep {
    const { real, drift } = this.#options;
    const taken = this.#reference.add(real.embedding(real.seen - 1), this.#state.count, this.#state.alarms);
    const full = this.#state.count + 1 === drift.reference;
    const moved = this.#move(full ? { phase: 'calibrating', count: 0 } : { count: this.#state.count + 1 });
    return { changes: [...taken, ...moved], happened: full ? 'reference taken' : 'nothing' };
  }

  #advance(): DriftStep {
    // without a bandwidth there is nothing to calibrate yet
    if (this.#features === undefined) return { changes: [], happened: 'nothing' };
    const calibration = this.#calibrate(this.#features);
    // it ends with the same record as if nothing had been lost
    const mayEnd = this.#state.count >= calibration.leastSteps;
    const repeated = mayEnd ? this.#lost : Math.min(this.#lost, mostRepeated);
    this.#lost -= repeated;
    for (let step = 0; step <= repeated; step++) calibration.step();
    if (!calibration.done) return { changes: this.#move({ count: this.#state.count + 1 }), happened: 'nothing' };
    this.#thresholds = calibration.result().thresholds;
    this.#calibration = undefined;
    this.#begin(this.#features, 0);
    const moved = this.#move({ phase: 'testing', count: 0 });
    return { changes: [['drift/thresholds', [...this.#thresholds]], ...moved], happened: 'nothing' };
  }

  #examine(): DriftStep {
    if (this.#test === undefined) throw new HeadwaterError('operator-failed', 'a drift was tested before its features');
    const { real } = this.#options;
    const { statistic, alarm } = this.#test.push(leadingFeatures(real.featuresOf(real.seen - 1), this.#phi));
    const count = this.#state.count + 1;
    if (!alarm) return { changes: this.#move({ count, statistic }), happened: 'nothing' };
    this.#test = undefined;
    const alarms = this.#state.alarms + 1;
    const moved = this.#move({ phase: 'cooling', count: 0, statistic, alarms, alarmedAt: real.seen });
    return { changes: moved, happened: 'alarm' };
  }

  #cool(): DriftStep {
    const { window } = this.#options.drift;
    return { changes: this.#move(cooled(this.#state.count, window, 'collecting')), happened: 'nothing' };
  }

  #move(state: Partial<State>): Changes {
    this.#state = { ...this.#state, ...state };
    return [['drift', this.#state]];
  }

  #calibrate(features: RandomFeatures): Calibration {
    if (this.#calibration !== undefined) return this.#calibration;
    const { drift } = this.#options;
    this.#calibration = new Calibration({
      features: this.#reference.features(features, this.#phi.length),
      size: this.#reference.size,
      window: drift.window,
      expectedRunTime: drift.expectedRunTime,
      seed: this.#seed('calibration'),
    });
    return this.#calibration;
  }

  /** The test after `tested` real records, the newest of which are in the real window. */
  #begin(features: RandomFeatures, tested: number): void {
    const thresholds = this.#thresholds;
    if (thresholds === undefined)
      throw new HeadwaterError('operator-failed', 'a drift was tested before its thresholds');
    const { real } = this.#options;
    const [window, length] = [thresholds.length, this.#phi.length];
    const reference = this.#reference.features(features, length);
    const split = splitReference({
      features: reference,
      size: this.#reference.size,
      thresholds,
      seed: this.#seed('split'),
    });
    const came = Math.min(tested, window);
    const newest = new Float64Array(window * length);
    newest.set(split.window.subarray(came * length));
    for (let age = came; age > 0; age--) {
      newest.set(leadingFeatures(real.featuresOf(real.seen - age), this.#phi), (window - age) * length);
    }
    this.#test = new DriftTest({ reference: split.reference, window: newest, thresholds, tested });
  }

  #seed(what: string): number {
    return hashUint32(this.#options.seed, what, this.#state.alarms);
  }
}

function restoredThresholds(memory: ReadonlyMap<string, unknown>, window: number): Float64Array {
  const { data } = z.array(z.number()).length(window).safeParse(memory.get('drift/thresholds'));
  if (data !== undefined) return Float64Array.from(data);
  throw new HeadwaterError('record-invalid', 'the memory lacks the thresholds of a drift');
}
