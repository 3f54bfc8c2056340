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
import { ComparedWindows } from './compared-windows.js';
import { detailsOf, fitted } from './correction-details.js';
import { type DriftOptions, DriftWatch } from './drift-watch.js';
import { EqualityWatch } from './equality-watch.js';

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

/** Real records that must have come before there is a correction. */
export function realBeforeCorrections(window: number): number {
  return Math.min(window, bandwidthPoints);
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
  /** Alarms that a correction has told of. */
  #told: number;

  constructor(settings: RollingSettings, memory: ReadonlyMap<string, unknown>, bandwidth: number | undefined) {
    const { window, frequencies, seed, drift, alpha, domain } = settings;
    const { dimensions } = settings.embedder;
    const windows = new ComparedWindows({ capacity: window, dimensions, memory, domain });
    const { real, synthetic } = windows;
    this.#settings = settings;
    this.#windows = windows;
    if (drift !== 'off') this.#drift = new DriftWatch({ drift, real, dimensions, frequencies, seed, memory });
    const isSibling = (number: number) => windows.isSibling(number);
    this.#equality = new EqualityWatch({ real, synthetic, isSibling, frequencies, alpha, memory });
    this.#told = storedCount(memory, 'told', 0);
    if (bandwidth !== undefined) this.#useBandwidth(bandwidth);
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

  /** Without references, which regions are chosen with, they are those of each full window. */
  #agedRegions(): Changes {
    const isTime = this.#windows.real.seen % this.#settings.window === 0;
    if (this.#drift !== undefined || this.#bandwidth === undefined || !isTime) return [];
    return this.#windows.chooseRegions();
  }

  #fixBandwidth(): Changes {
    const { real } = this.#windows;
    if (this.#bandwidth !== undefined || real.seen < realBeforeCorrections(this.#settings.window)) return [];
    const bandwidth = medianHeuristic(real.points);
    this.#useBandwidth(bandwidth);
    return [['bandwidth', bandwidth], ...this.#windows.chooseRegions(), ...this.#equality.restart()];
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
      reference: this.#drift?.alarms ?? 0,
      ...detailsOf(this.#windows),
      ...(this.#drift !== undefined && { drift: this.#drift.report() }),
      equality: this.#equality.report(),
      at: newest.createdAt,
    });
  }
}
