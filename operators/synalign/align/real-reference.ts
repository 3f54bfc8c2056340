import type { Changes } from '../../flow/outcome.js';
import { storedCount } from '../../flow/stored-count.js';
import { FeatureSum } from '../../kernels/mmd/feature-sum.js';
import { medianHeuristic } from '../../kernels/mmd/median-heuristic.js';
import { EmbeddingWindow } from '../mmd/embedding-window.js';
import type { AlignmentFeatures } from './alignment-features.js';

/** Real records that the reference is made of: the newest ones, of all labels. */
const referenceWindow = 2048;
/** Real records after which the bandwidth is fixed for ever; it is taken anew whenever their number has doubled until then. */
const bandwidthPoints = 256;
const firstBandwidthPoints = 8;

export interface RealReferenceOptions {
  readonly dimensions: number;
  /** Keys: `reference/seen`, `reference/SLOT`, `reference-label/SLOT`, `reference-from`. */
  readonly memory: ReadonlyMap<string, unknown>;
}

/**
 * The newest 2,048 real records as sums of features by label.
 *
 * A window and not a decayed sum: it costs the memory one embedding a record, where a sum would be written whole each time, and it is exact
 * after a restart. Older ones than a drift are forgotten. `Float32Array [2048, dimensions]`, and a feature vector for each label inside.
 * Only real records come in here, so samples never move what they are held against.
 */
export class RealReference {
  readonly #window: EmbeddingWindow;
  /** Of each slot; undefined where the record has none. */
  readonly #labels: (string | undefined)[];
  readonly #sums = new Map<string | undefined, FeatureSum>();
  /** The number of the first record that counts. */
  #from: number;
  #features: AlignmentFeatures | undefined;
  #phi = new Float64Array(0);

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor({ dimensions, memory }: RealReferenceOptions) {
    this.#window = new EmbeddingWindow({ name: 'reference', capacity: referenceWindow, dimensions, memory });
    this.#from = storedCount(memory, fromKey, 0);
    this.#labels = Array.from({ length: this.#window.size }, (_, slot) => {
      const label = memory.get(labelKey(slot));
      return typeof label === 'string' ? label : undefined;
    });
  }

  /** The bandwidth to use from now on, where this many records are the time to take it; by real records alone. */
  get newBandwidth(): number | undefined {
    const { seen, points } = this.#window;
    const isTime = seen >= firstBandwidthPoints && seen <= bandwidthPoints && Number.isInteger(Math.log2(seen));
    return isTime ? medianHeuristic(points) : undefined;
  }

  /** The sum over the records of a label; undefined where there are none, or no features yet. */
  sumOf(label: string | undefined): FeatureSum | undefined {
    return this.#sums.get(label);
  }

  useFeatures(features: AlignmentFeatures): void {
    this.#features = features;
    this.#phi = new Float64Array(features.length);
    this.#sums.clear();
    for (let number = this.#first; number < this.#window.seen; number++) this.#count(this.#window.slotOf(number), 1);
  }

  /** All but the newest `count` records are of the past. */
  forgetAllBut(count: number): Changes {
    this.#from = Math.max(this.#from, this.#window.seen - count);
    if (this.#features !== undefined) this.useFeatures(this.#features);
    return [[fromKey, this.#from]];
  }

  /** Lets a record in, and the oldest one out where the window is full. */
  push(embedding: Float32Array, label: string | undefined): Changes {
    const { oldest, oldestSlot, size } = this.#window;
    if (size === referenceWindow && oldest >= this.#from) this.#count(oldestSlot, -1);
    const { slot, changes } = this.#window.push(embedding);
    const before = this.#labels[slot];
    this.#labels[slot] = label;
    this.#count(slot, 1);
    return before === label ? changes : [...changes, [labelKey(slot), label ?? null]];
  }

  get #first(): number {
    return Math.max(this.#from, this.#window.oldest);
  }

  #count(slot: number, by: 1 | -1): void {
    if (this.#features === undefined) return;
    const label = this.#labels[slot];
    const sum = this.#sums.get(label) ?? new FeatureSum(this.#phi.length / 2);
    const { data, dimensions } = this.#window.points;
    this.#features.map(new Float32Array(data.subarray(slot * dimensions, (slot + 1) * dimensions)), this.#phi);
    if (by === 1) sum.add(this.#phi);
    else sum.remove(this.#phi);
    if (sum.size === 0) this.#sums.delete(label);
    else this.#sums.set(label, sum);
  }
}

/** What a memory says of the records that count: how many there are, and how many of each label. */
export function referenceCounts(memory: ReadonlyMap<string, unknown>): {
  readonly all: number;
  readonly byLabel: ReadonlyMap<string, number>;
} {
  const seen = storedCount(memory, 'reference/seen', 0);
  const first = Math.max(storedCount(memory, fromKey, 0), seen - referenceWindow);
  const byLabel = new Map<string, number>();
  for (let number = first; number < seen; number++) {
    const label = memory.get(labelKey(number % referenceWindow));
    if (typeof label === 'string') byLabel.set(label, (byLabel.get(label) ?? 0) + 1);
  }
  return { all: seen - first, byLabel };
}

const fromKey = 'reference-from';

function labelKey(slot: number): string {
  return `reference-label/${slot}`;
}
