import { toBase64 } from '../../../schemas/codec.js';
import type { Correction } from '../../../schemas/correction.js';
import { dotOfFirst } from '../../kernels/dot.js';
import type { FeatureSum } from '../../kernels/mmd/feature-sum.js';
import { leadingFeatures } from '../../kernels/mmd/leading-features.js';
import type { AttributeValues } from './attribute-values.js';
import type { EmbeddingWindow } from './embedding-window.js';
import type { Exemplar } from './regions.js';
import type { RealNote, SampleNote, WindowNotes } from './window-notes.js';

/** The two windows with what is known of their records. */
export interface Compared {
  readonly real: EmbeddingWindow;
  readonly synthetic: EmbeddingWindow;
  readonly realNotes: WindowNotes<RealNote>;
  readonly sampleNotes: WindowNotes<SampleNote>;
  readonly exemplars: readonly Exemplar[];
  /** Of the samples, by slot. */
  readonly attributes: AttributeValues;
  /** The place of the nearest exemplar by slot; -1 where there is none. */
  readonly nearestOfReal: Int8Array;
  readonly nearestOfSample: Int8Array;
}

type Details = Pick<Correction, 'witness' | 'regions' | 'labels' | 'attributes'>;

/** Frequencies of a witness: more would not fit into a correction. */
export const witnessFrequencies = 512;
const mostAttributes = 16;
/** Samples at which a mean witness counts half. */
export const halfTrusted = 16;
const mostLabels = 32;
const mostLooked = 16;
/** Of a correction as JSON. */
const mostBytes = 16 * 1024;

/** Where the two windows differ: the witness, and its means over regions, labels and attributes. */
export function detailsOf(compared: Compared): Details {
  const witness = witnessOf(compared.real.sum, compared.synthetic.sum);
  const labels = labelShares(compared);
  const attributes = attributeWitness(compared, witness);
  return {
    witness: toBase64(Float32Array.from(witness)),
    ...(compared.exemplars.length > 0 && { regions: regionShares(compared, witness) }),
    ...(labels !== undefined && { labels }),
    ...(attributes.length > 0 && { attributes }),
  };
}

/** The correction with as much of its lists as 16 KB have room for: the entries which matter least go first. */
export function fitted(correction: Correction): Correction {
  let fitting = correction;
  while (Buffer.byteLength(JSON.stringify(fitting)) > mostBytes) {
    const { regions = [], attributes = [], labels = {} } = fitting;
    const names = Object.keys(labels);
    const longest = Math.max(regions.length, attributes.length, names.length);
    if (longest === 0) break;
    if (attributes.length === longest) fitting = { ...fitting, attributes: attributes.slice(0, -1) };
    else if (regions.length === longest) fitting = { ...fitting, regions: regions.slice(0, -1) };
    else fitting = { ...fitting, labels: withoutLeast(labels) };
  }
  return fitting;
}

/** By the shares themselves: an object has labels that are numbers in their order. */
function withoutLeast(labels: NonNullable<Correction['labels']>): NonNullable<Correction['labels']> {
  const differences = Object.entries(labels).map(([label, { real, synthetic }]) => ({
    label,
    difference: Math.abs(real - synthetic),
  }));
  const least = differences.reduce((a, b) => (b.difference <= a.difference ? b : a)).label;
  return Object.fromEntries(Object.entries(labels).filter(([label]) => label !== least));
}

/** Mean features of the real window less those of the synthetic one, over the leading frequencies. */
function witnessOf(real: FeatureSum, synthetic: FeatureSum): Float64Array {
  const difference = new Float64Array(real.values.length);
  for (let i = 0; i < difference.length; i++) {
    difference[i] = (real.values[i] ?? 0) / real.size - (synthetic.values[i] ?? 0) / synthetic.size;
  }
  return leadingFeatures(difference, new Float64Array(2 * Math.min(witnessFrequencies, difference.length / 2)));
}

function regionShares(compared: Compared, witness: Float64Array): NonNullable<Correction['regions']> {
  const { exemplars, real, synthetic, nearestOfReal, nearestOfSample } = compared;
  const ofReal = shares(nearestOfReal.subarray(0, real.size), exemplars.length);
  const ofSamples = shares(nearestOfSample.subarray(0, synthetic.size), exemplars.length);
  const regions = exemplars.map(({ id, text, label, features }, place) => ({
    exemplar: id,
    text,
    ...(label !== undefined && { label }),
    real: rounded(ofReal[place] ?? 0),
    synthetic: rounded(ofSamples[place] ?? 0),
    witness: rounded(leadingDot(features, witness)),
  }));
  return regions.sort((a, b) => Math.abs(b.real - b.synthetic) - Math.abs(a.real - a.synthetic));
}

function shares(nearest: Int8Array, count: number): Float64Array {
  const found = new Float64Array(count);
  for (const place of nearest) found[place] = (found[place] ?? 0) + 1 / nearest.length;
  return found;
}

/** By label, those with the greatest difference first; undefined where neither window has any. */
function labelShares({ real, synthetic, realNotes, sampleNotes }: Compared): Correction['labels'] {
  const labels = new Map<string, { real: number; synthetic: number }>();
  const foundOf = (label: string) => {
    const found = labels.get(label) ?? { real: 0, synthetic: 0 };
    labels.set(label, found);
    return found;
  };
  for (let slot = 0; slot < real.size; slot++) {
    const label = realNotes.get(slot)?.label;
    if (label !== undefined) foundOf(label).real++;
  }
  for (let slot = 0; slot < synthetic.size; slot++) {
    const label = sampleNotes.get(slot)?.label;
    if (label !== undefined) foundOf(label).synthetic++;
  }
  if (labels.size === 0) return undefined;
  const sorted = [...labels]
    .map(
      ([label, found]) =>
        [
          label,
          { real: rounded(found.real / real.size), synthetic: rounded(found.synthetic / synthetic.size) },
        ] as const,
    )
    .sort(([, a], [, b]) => Math.abs(b.real - b.synthetic) - Math.abs(a.real - a.synthetic));
  return Object.fromEntries(sorted.slice(0, mostLabels));
}

/**
 * The mean witness of the samples that have a value of an attribute, less that of all of its label, with its standard error.
 *
 * Each sample is held against the others, since it is as near as can be to itself.
 */
function attributeWitness(
  { attributes, synthetic }: Compared,
  witness: Float64Array,
): NonNullable<Correction['attributes']> {
  const against = withoutSelf(witness, synthetic);
  const meanOf = ({ values, size }: FeatureSum) => leadingDot(values, against) / size;
  const usual = new Map<FeatureSum, number>();
  const usualOf = (all: FeatureSum) => {
    const mean = usual.get(all) ?? meanOf(all);
    usual.set(all, mean);
    return mean;
  };
  const deviation = deviationOf(synthetic, witness);
  const means = Array.from(attributes.followed(), ({ label, name, value, sum, all }) => {
    const [count, error] = [sum.size, rounded(deviation / Math.sqrt(sum.size))];
    const own = { ...(label === undefined ? {} : { label }), name, value };
    return { ...own, count, witness: rounded(meanOf(sum) - usualOf(all)), error };
  });
  return means.sort((a, b) => weightOf(b) - weightOf(a) || (textOf(a) < textOf(b) ? -1 : 1)).slice(0, mostAttributes);
}

/** What features of a sample inside are multiplied with for the witness without its own part, but for a constant. */
function withoutSelf(witness: Float64Array, { sum, size }: EmbeddingWindow): Float64Array {
  const all = leadingFeatures(sum.values, new Float64Array(witness.length));
  return witness.map((value, i) => value - (all[i] ?? 0) / (size * (size - 1)));
}

/** The standard deviation of the witness over the samples of the window: of 16 of them, evenly spread. */
function deviationOf(synthetic: EmbeddingWindow, witness: Float64Array): number {
  const looked = Math.min(mostLooked, synthetic.size);
  const values = Array.from({ length: looked }, (_, n) =>
    leadingDot(synthetic.featuresOf(synthetic.oldest + Math.floor((n * synthetic.size) / looked)), witness),
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / looked;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, looked - 1));
}

/** The product of `against` and the features over as many leading frequencies (`leadingFeatures`), which are not copied. */
function leadingDot(features: Float64Array, against: Float64Array): number {
  const [all, few] = [features.length / 2, against.length / 2];
  const cosines = dotOfFirst(features, against, few);
  const sines = dotOfFirst(features.subarray(all), against.subarray(few), few);
  return (cosines + sines) * Math.sqrt(all / few);
}

/** The mean of few samples is mostly chance. */
function weightOf({ count, witness }: { readonly count: number; readonly witness: number }): number {
  return (Math.abs(witness) * count) / (count + halfTrusted);
}

/** Decides between values that the same samples have. */
function textOf({ label = '', name, value }: NonNullable<Correction['attributes']>[number]): string {
  return `${label}\0${name}\0${value}`;
}

/** To 6 decimals, so that a list is short as JSON. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6 + 0;
}
