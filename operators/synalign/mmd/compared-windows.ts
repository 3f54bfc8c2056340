import type { Domain } from '../../../schemas/domain.js';
import type { Real } from '../../../schemas/real.js';
import type { Sample } from '../../../schemas/sample.js';
import type { Changes } from '../../flow/outcome.js';
import { storedCount } from '../../flow/stored-count.js';
import type { RandomFeatures } from '../../kernels/mmd/random-features.js';
import { textOf } from '../embed.js';
import { AttributeValues } from './attribute-values.js';
import type { Compared } from './correction-details.js';
import { EmbeddingWindow } from './embedding-window.js';
import { type Exemplar, Regions } from './regions.js';
import { attributeLength, shortened } from './shortened.js';
import { type RealNote, realNote, type SampleNote, sampleNote, WindowNotes } from './window-notes.js';

/** The shape of the two windows. */
export interface ComparedWindowsOptions {
  readonly capacity: number;
  readonly dimensions: number;
  readonly memory: ReadonlyMap<string, unknown>;
  /** Whose fields, in their order, are shown of an exemplar. @default all fields */
  readonly domain: Pick<Domain, 'fields'> | undefined;
}

/** Characters of the text of an exemplar. */
const textLength = 120;

/** The newest real records and samples, with their features, labels, attributes and regions. */
export class ComparedWindows implements Compared {
  readonly real: EmbeddingWindow;
  readonly synthetic: EmbeddingWindow;
  readonly realNotes: WindowNotes<RealNote>;
  readonly sampleNotes: WindowNotes<SampleNote>;
  readonly nearestOfReal: Int8Array;
  readonly nearestOfSample: Int8Array;
  readonly #options: ComparedWindowsOptions;
  readonly #regions = new Regions();
  /** Of the samples inside, by slot. */
  readonly #ordinals: Float64Array;
  readonly attributes: AttributeValues;
  /** How many samples inside have a group. */
  readonly #groups = new Map<string, number>();
  #features: RandomFeatures | undefined;

  /** Throws `HeadwaterError` with `record-invalid` where the memory is not one that windows of this shape left. */
  constructor(options: ComparedWindowsOptions) {
    const { capacity, dimensions, memory } = options;
    this.#options = options;
    this.synthetic = new EmbeddingWindow({ name: 'synthetic', capacity, dimensions, memory });
    this.real = new EmbeddingWindow({ name: 'real', capacity, dimensions, memory });
    this.realNotes = new WindowNotes('about-real', capacity, memory, realNote);
    this.sampleNotes = new WindowNotes('about-sample', capacity, memory, sampleNote);
    this.#ordinals = Float64Array.from({ length: capacity }, (_, slot) => storedCount(memory, `ordinal/${slot}`, 0));
    this.nearestOfReal = new Int8Array(capacity).fill(-1);
    this.nearestOfSample = new Int8Array(capacity).fill(-1);
    this.attributes = new AttributeValues(capacity, (slot) => this.#featuresAt(slot));
    for (let slot = 0; slot < this.synthetic.size; slot++) {
      const note = this.sampleNotes.get(slot);
      this.#count(note?.group, 1);
      this.attributes.enter(slot, note?.attributes ?? [], note?.label);
    }
  }

  get exemplars(): readonly Exemplar[] {
    return this.#regions.exemplars;
  }

  /** Ordinal of the oldest sample inside; 0 where there is none. */
  get firstOrdinal(): number {
    return this.#ordinals[this.synthetic.oldestSlot] ?? 0;
  }

  /** Keeps the features of what is inside from now on, with the regions that the memory holds. */
  useFeatures(features: RandomFeatures): void {
    this.#features = features;
    this.synthetic.useFeatures(features);
    this.real.useFeatures(features);
    this.#regions.restore(this.#options.memory, features);
    this.#sortIntoRegions();
    this.attributes.rebuild();
  }

  /** Chooses regions anew, among the real records inside. Returns what the memory must hold. */
  chooseRegions(): Changes {
    if (this.#features === undefined) return [];
    const changes = this.#regions.choose(this.real, this.realNotes, this.#features);
    this.#sortIntoRegions();
    return changes;
  }

  addReal(record: Real, embedding: Float32Array): Changes {
    const { slot, changes } = this.real.push(embedding);
    this.nearestOfReal[slot] = this.#regions.nearest(embedding);
    const { id, label } = record;
    const text = shortened(this.#textOf(record), textLength);
    return [...changes, ...this.realNotes.set(slot, { id, text, ...(label !== undefined && { label }) })];
  }

  addSample(sample: Sample, embedding: Float32Array): Changes {
    const slot = this.synthetic.slotOf(this.synthetic.seen);
    this.#count(this.sampleNotes.get(slot)?.group, -1);
    this.attributes.leave(slot);
    const { changes } = this.synthetic.push(embedding);
    this.#ordinals[slot] = sample.ordinal;
    this.nearestOfSample[slot] = this.#regions.nearest(embedding);
    const note = this.#noteOf(sample);
    this.#count(note?.group, 1);
    this.attributes.enter(slot, note?.attributes ?? [], note?.label);
    return [...changes, [`ordinal/${slot}`, sample.ordinal], ...this.sampleNotes.set(slot, note)];
  }

  /** Whether an earlier sample of its group was inside when the sample with this number came. */
  isSibling(number: number): boolean {
    return this.sampleNotes.get(this.synthetic.slotOf(number))?.sibling === true;
  }

  #featuresAt(slot: number): Float64Array | undefined {
    const { seen, size } = this.synthetic;
    if (this.#features === undefined) return undefined;
    const capacity = this.#options.capacity;
    const newest = seen - 1;
    const age = size < capacity ? newest - slot : (((newest - slot) % capacity) + capacity) % capacity;
    return this.synthetic.featuresOf(newest - age);
  }

  #sortIntoRegions(): void {
    for (const [window, nearest] of [
      [this.real, this.nearestOfReal],
      [this.synthetic, this.nearestOfSample],
    ] as const) {
      for (let number = window.oldest; number < window.seen; number++) {
        nearest[window.slotOf(number)] = this.#regions.nearest(window.embedding(number));
      }
    }
  }

  #textOf({ fields }: Real): string {
    const { domain } = this.#options;
    return domain === undefined ? Object.values(fields).join('\n') : textOf(fields, domain);
  }

  #noteOf({ label, group: number, lineage }: Sample): SampleNote | undefined {
    const { attributesId } = lineage;
    const group = attributesId ?? (number === undefined ? undefined : `group ${number}`);
    const attributes = (lineage.attributes ?? []).map(({ name, value }) => ({
      name: shortened(name, attributeLength),
      value: shortened(value, attributeLength),
    }));
    if (label === undefined && group === undefined && attributes.length === 0) return undefined;
    return {
      ...(label !== undefined && { label }),
      ...(group !== undefined && { group }),
      ...(group !== undefined && this.#groups.has(group) && { sibling: true as const }),
      ...(attributes.length > 0 && { attributes }),
    };
  }

  #count(group: string | undefined, by: number): void {
    if (group === undefined) return;
    const count = (this.#groups.get(group) ?? 0) + by;
    if (count > 0) this.#groups.set(group, count);
    else this.#groups.delete(group);
  }
}
