import type { Correction } from '../../../schemas/correction.js';
import type { Domain } from '../../../schemas/domain.js';
import { recordId } from '../../../schemas/ids.js';
import type { Real } from '../../../schemas/real.js';
import type { Sample } from '../../../schemas/sample.js';
import type { Embedder } from '../../embedder.js';
import type { Changes } from '../../flow/outcome.js';
import { storedCount } from '../../flow/stored-count.js';
import { unbiasedMmd2OfSums } from '../../kernels/mmd/feature-sum.js';
import { medianHeuristic } from '../../kernels/mmd/median-heuristic.js';
import { randomFeatures } from '../../kernels/mmd/random-features.js';
import { CalibratedWatch } from './calibrated-watch.js';
import { ComparedWindows } from './compared-windows.js';
import { detailsOf, fitted } from './correction-details.js';
import type { DriftOptions } from './drift-options.js';
import type { DriftWatch, DriftWatchOptions } from './drift-watch.js';
import { EqualityWatch } from './equality-watch.js';
import { NewmaWatch } from './newma-watch.js';

/** The options of `rollingMmd`, without its memory. */
export interface RollingSettings {
  readonly embedder: Pick<Embedder, 'id' | 'dimensions'>;
  readonly lane: number;
  readonly seed: number;
  readonly window: number;
  readonly frequencies: number;
  readonly every: number;
  readonly drift: DriftOptions | 'off';
  readonly alpha: number;
  readonly domain: Pick<Domain, 'fields'> | undefined;
}

/** Real embeddings that the bandwidth is taken from, where the window has as many. */
const bandwidthPoints = 256;
/** Of so many it is taken where no more come. */
const leastBandwidthPoints = 32;
/** Samples without a real record between them, after which no more are waited for. */
const samplesAwaited = 32;

/** Real records after which there are corrections at once. */
export function realBeforeCorrections(window: number): number {
  return Math.min(window, bandwidthPoints);
}

/** Real records without which there never is a correction. */
export function leastRealForCorrections(window: number): number {
  return Math.min(window, leastBandwidthPoints);
}

/** Embeddings that each window must have before it is compared. */
const leastCompared = 8;

/** The state of a `rollingMmd`: two windows, their tests, and the corrections that they give. */
export class RollingComparison {
  readonly #settings: RollingSettings;
  readonly #windows: ComparedWindows;
  readonly #drift: DriftWatch | undefined;
  readonly #equality: EqualityWatch;
  /** Fixed for ever once it is known. */
  #bandwidth: number | undefined;
  /** Samples since the last real record, while these are enough for a bandwidth and it waits for more of them. */
  #quiet: number;
  /** Alarms that a correction has told of. */
  #told: number;

  constructor(settings: RollingSettings, memory: ReadonlyMap<string, unknown>, bandwidth: number | undefined) {
    const { window, frequencies, seed, drift, alpha, domain } = settings;
    const { dimensions } = settings.embedder;
    const windows = new ComparedWindows({ capacity: window, dimensions, memory, domain });
    const { real, synthetic } = windows;
    this.#settings = settings;
    this.#windows = windows;
    if (drift !== 'off') this.#drift = watchOf(drift, { real, dimensions, frequencies, seed, memory });
    const isSibling = (number: number) => windows.isSibling(number);
    this.#equality = new EqualityWatch({ real, synthetic, isSibling, frequencies, alpha, memory });
    this.#quiet = storedCount(memory, 'quiet', 0);
    this.#told = storedCount(memory, 'told', 0);
    if (bandwidth !== undefined) this.#useBandwidth(bandwidth);
  }

  /** Alarms of a drift so far. */
  get alarms(): number {
    return this.#drift?.alarms ?? 0;
  }

  /** Takes a real record in. Returns what the memory must hold. */
  addReal(real: Real, embedding: Float32Array): Changes {
    const changes = [...this.#windows.addReal(real, embedding), ...this.#agedRegions(), ...this.#fixBandwidth()];
    const step = this.#drift?.arrived();
    if (step !== undefined) changes.push(...step.changes);
    if (this.#bandwidth === undefined) return changes;
    if (step?.happened === 'alarm') changes.push(...this.#equality.restart());
    if (step?.happened === 'reference taken') changes.push(...this.#windows.chooseRegions());
    changes.push(...this.#equality.arrived());
    return changes;
  }

  /** Takes a sample in. Returns what the memory must hold, and the correction that is due with it. */
  addSample(sample: Sample, embedding: Float32Array): { readonly changes: Changes; readonly correction?: Correction } {
    const changes = [...this.#windows.addSample(sample, embedding)];
    if (this.#bandwidth === undefined) changes.push(...this.#awaitReal());
    if (this.#bandwidth === undefined) return { changes };
    changes.push(...this.#equality.arrived());
    const alarms = this.#drift?.alarms ?? this.#told;
    const isDue = this.#windows.synthetic.seen % this.#settings.every === 0 || alarms !== this.#told;
    const correction = isDue ? this.#correctionAt(sample, this.#bandwidth) : undefined;
    if (correction === undefined) return { changes };
    if (alarms !== this.#told) changes.push(['told', alarms]);
    this.#told = alarms;
    return { changes, correction };
  }

  /** Without frozen references, which regions are chosen with, they are those of each full window. */
  #agedRegions(): Changes {
    const { window, drift } = this.#settings;
    const isFrozen = drift !== 'off' && drift.test !== 'newma';
    if (isFrozen || this.#bandwidth === undefined || this.#windows.real.seen % window !== 0) return [];
    return this.#windows.chooseRegions();
  }

  #fixBandwidth(): Changes {
    const { real } = this.#windows;
    if (this.#bandwidth !== undefined) return [];
    if (real.seen >= realBeforeCorrections(this.#settings.window)) return this.#takeBandwidth(real.seen);
    if (this.#quiet === 0) return [];
    this.#quiet = 0;
    return [['quiet', null]];
  }

  /** A file may have come to its end: then the bandwidth is taken from the real records that there are. */
  #awaitReal(): Changes {
    const { seen } = this.#windows.real;
    if (seen < leastBandwidthPoints) return [];
    this.#quiet++;
    if (this.#quiet < samplesAwaited) return [['quiet', this.#quiet]];
    // the other half is left for the test of equality: it must not be what the kernel was made from
    return this.#takeBandwidth(Math.max(leastBandwidthPoints, Math.floor(seen / 2)));
  }

  /** Of the first `count` real records, which the window holds. */
  #takeBandwidth(count: number): Changes {
    const { data, dimensions } = this.#windows.real.points;
    const bandwidth = medianHeuristic({ data: data.subarray(0, count * dimensions), size: count, dimensions });
    this.#useBandwidth(bandwidth);
    const waited: Changes = this.#quiet > 0 ? [['quiet', null]] : [];
    this.#quiet = 0;
    return [['bandwidth', bandwidth], ...waited, ...this.#windows.chooseRegions(), ...this.#equality.restart(count)];
  }

  #useBandwidth(bandwidth: number): void {
    const { frequencies, seed, embedder } = this.#settings;
    const features = randomFeatures({ dimensions: embedder.dimensions, frequencies, bandwidth, seed });
    this.#bandwidth = bandwidth;
    this.#windows.useFeatures(features);
    this.#drift?.useFeatures(features);
  }

  #correctionAt(newest: Sample, bandwidth: number): Correction | undefined {
    const { lane, frequencies, window, embedder } = this.#settings;
    const { synthetic, real, firstOrdinal } = this.#windows;
    if (Math.min(synthetic.size, real.size) < Math.min(leastCompared, window)) return undefined;
    return fitted({
      kind: 'correction',
      id: recordId('correction', lane, synthetic.seen),
      lane,
      accepted: synthetic.seen,
      mmd2: unbiasedMmd2OfSums(synthetic.sum, real.sum),
      bandwidth,
      frequencies,
      embedder: embedder.id,
      synthetic: { size: synthetic.size, firstOrdinal, lastOrdinal: newest.ordinal },
      real: { size: real.size, seen: real.seen },
      reference: this.alarms,
      ...detailsOf(this.#windows),
      ...(this.#drift !== undefined && { drift: this.#drift.report() }),
      equality: this.#equality.report(),
      at: newest.createdAt,
    });
  }
}

function watchOf(drift: DriftOptions, options: Omit<DriftWatchOptions<DriftOptions>, 'drift'>): DriftWatch {
  return drift.test === 'newma' ? new NewmaWatch({ ...options, drift }) : new CalibratedWatch({ ...options, drift });
}
