import type { Across, Within } from '../../operators/kernels/diversity/neighbours.js';
import type { Kernel } from '../../operators/kernels/mmd/kernel.js';
import type { PermutationTest } from '../../operators/kernels/mmd/permutation-test.js';
import type { Points } from '../../operators/kernels/points.js';
import { fidelity } from '../../operators/quality/fidelity.js';
import type { Vendi } from '../../operators/quality/vector-summary.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { openTable } from '../../streams/inputs/open-table.js';
import { type ChosenColumns, chooseColumns, namedColumns } from '../files/choose-columns.js';
import type { FileSources } from '../files/file-sources.js';
import { plainTextOf } from '../files/file-text.js';
import { medianBandwidth } from '../files/median-bandwidth.js';
import { compute } from '../threads/compute.js';
import type { Comparison, FileFigures } from './comparison.js';
import { type FileReading, type ReadingOptions, readFigures } from './file-reading.js';
import { checkMmdOptions, type MmdOptions } from './mmd-options.js';
import { acrossPairs, permutedPairs, withinPairs } from './pair-tasks.js';
import { vendiScoreTask } from './vendi-task.js';

export interface CompareOptions extends FileSources, MmdOptions {
  /** Records of each file, drawn by the seed, that pairs are made of: time grows with its square. @default 10,000 */
  readonly sample?: number;
  readonly watch?: Watch;
}

/** Told of what goes on. */
export interface Watch {
  readonly chosen?: (columns: ChosenColumns, plainText: readonly string[]) => void;
  readonly reading?: (file: string, records: number) => void;
  readonly pairs?: (file: string, share: number) => void;
  /** Once the pairs are done. */
  readonly permutations?: (file: string, share: number) => void;
}

/** The k of the balls around points. */
const defaultNeighbours = 5;
const defaultSample = 10_000;
const defaultPermutations = 1000;
/** From here on a synthetic record counts as close to a real one. */
const closeCosine = 0.95;

interface Compared extends FileReading {
  readonly around: Within;
  readonly vendi: Vendi;
}

/**
 * A real file and synthetic ones in, a comparison for each synthetic file out; the real one is read once.
 *
 * Mean cosine, Vendi score and the figures of texts are those of all records; what needs pairs is that of a seeded sample.
 * Memory for each of two files at a time: `sample` vectors, three times while pairs are made, and what `VectorSummary` and
 * `TextSummary` keep. Rejects with `HeadwaterError`: `input-unreadable` (no such file or field, nothing to compare, vectors that do
 * not fit), or what opening the embedder rejects with.
 *
 * @example
 * ```ts
 * const [bare, instruct] = await compareFiles('real.jsonl', ['bare.parquet', 'instruct.parquet'], { base, openEmbedder, signal });
 * console.log(bare.coverage, instruct.coverage);
 * ```
 */
export async function compareFiles(
  realFile: string,
  syntheticFiles: readonly string[],
  options: CompareOptions,
): Promise<readonly Comparison[]> {
  if ([realFile, ...syntheticFiles].filter((file) => file === '-').length > 1) {
    throw new HeadwaterError('input-unreadable', 'standard input (-) can be one of the files only: name the others');
  }
  if (!(Number.isInteger(options.sample ?? 2) && (options.sample ?? 2) >= 2)) {
    throw new HeadwaterError('recipe-invalid', `--sample: expected a whole number from 2, got ${options.sample}`);
  }
  checkMmdOptions(options);
  const started = performance.now();
  const { base, stdin, watch, seed = 0, sample = defaultSample } = options;
  const input = { base, columns: namedColumns(options), ...(stdin === undefined ? {} : { stdin }) };
  const real = await openTable(realFile, input);
  const synthetics = [];
  for (const file of syntheticFiles) synthetics.push(await openTable(file, input));
  const tables = [real, ...synthetics];
  const columns = chooseColumns(tables, options);
  watch?.chosen?.(columns, plainTextOf(tables));

  const embedder = columns.vectors === null ? await options.openEmbedder() : null;
  // a file that cannot be read ends the threads that make pairs meanwhile
  const ended = new AbortController();
  try {
    const reading = (file: string, realTexts: ReadingOptions['real']) => ({
      columns,
      embedder,
      sample,
      seed,
      signal: options.signal,
      ...(realTexts === undefined ? {} : { real: realTexts }),
      progress: (records: number) => watch?.reading?.(file, records),
    });
    const realReading = await readFigures(real, reading(real.name, undefined));
    const signal = AbortSignal.any([options.signal, ended.signal]);
    const kernel = await kernelOf(realReading, options);
    const pairing = new Pairing(realReading, kernel, { ...options, signal });
    const comparisons: Comparison[] = [];
    for (const table of synthetics) {
      const synthetic = await readFigures(table, reading(table.name, realReading.texts));
      const pairs = await pairing.with(synthetic);
      const settings = { seed, fields: columns.fields, vectors: columns.vectors, embedder: embedder?.id ?? null };
      comparisons.push({ ...comparison(pairs), ...settings, seconds: (performance.now() - started) / 1000 });
    }
    return comparisons;
  } finally {
    ended.abort();
    await embedder?.close();
  }
}

interface Pairs {
  readonly real: Compared;
  readonly synthetic: Compared;
  readonly across: Across;
  readonly test: PermutationTest | null;
  readonly neighbours: number;
  readonly kernel: Kernel;
}

/** The pairs of the real sample with others; those within it are made while the first synthetic file is read. */
class Pairing {
  readonly #inReal = new Map<number, Promise<Within>>();
  readonly #vendiOfReal: Promise<Vendi>;

  constructor(
    private readonly real: FileReading,
    private readonly kernel: Kernel,
    private readonly options: CompareOptions,
  ) {
    this.#vendiOfReal = this.#vendi(real);
    // a failure is heard when its turn comes
    this.#vendiOfReal.catch(() => undefined);
    this.#withinReal(Math.min(defaultNeighbours, real.vectors.sample.size - 1)).catch(() => undefined);
  }

  async with(synthetic: FileReading): Promise<Pairs> {
    const { real } = this;
    const { signal, watch } = this.options;
    const [a, b] = [real.vectors.sample, synthetic.vectors.sample];
    if (a.dimensions !== b.dimensions) {
      throw new HeadwaterError(
        'input-unreadable',
        `the vectors of ${real.name} have ${a.dimensions} numbers and those of ${synthetic.name} ${b.dimensions}: use one model for both`,
      );
    }
    const { kernel } = this;
    const neighbours = Math.min(defaultNeighbours, a.size - 1, b.size - 1);
    const job = { points: b, neighbours, kernel };
    // across is twice the work of within
    const told = (from: number, to: number) => (share: number) =>
      watch?.pairs?.(synthetic.name, from + share * (to - from));
    const vendi = Promise.all([this.#vendiOfReal, this.#vendi(synthetic)]);
    vendi.catch(() => undefined);
    const [inReal, inSynthetic] = await Promise.all([
      this.#withinReal(neighbours),
      compute(withinPairs, job, { signal, progress: told(0, 1 / 3) }),
    ]);
    const rims = { rimOfA: inReal.rim, rimOfB: inSynthetic.rim };
    // beside the pairs, which take longer; what is left of it is told once those are done
    let paired = false;
    const permuted = this.#permuted(a, b, (share) => paired && watch?.permutations?.(synthetic.name, share));
    const pairs = compute(acrossPairs, { a, b, ...rims, kernel }, { signal, progress: told(1 / 3, 1) }).finally(() => {
      paired = true;
    });
    const [across, test, [vendiOfReal, vendiOfSynthetic]] = await Promise.all([pairs, permuted, vendi]);
    return {
      real: { ...real, around: inReal, vendi: vendiOfReal },
      synthetic: { ...synthetic, around: inSynthetic, vendi: vendiOfSynthetic },
      across,
      test,
      neighbours,
      kernel,
    };
  }

  async #permuted(a: Points, b: Points, progress: (share: number) => void): Promise<PermutationTest | null> {
    const { signal, seed = 0, permutations = defaultPermutations } = this.options;
    if (permutations === 0) return null;
    return compute(permutedPairs, { a, b, kernel: this.kernel, permutations, seed }, { signal, progress });
  }

  #vendi({ vectors }: FileReading): Promise<Vendi> {
    return compute(vendiScoreTask, vectors.directions, { signal: this.options.signal });
  }

  /** Once for each number of neighbours, which is less where a synthetic file is tiny. */
  #withinReal(neighbours: number): Promise<Within> {
    const { sample: points } = this.real.vectors;
    const job = { points, neighbours, kernel: this.kernel };
    const pairs = this.#inReal.get(neighbours) ?? compute(withinPairs, job, { signal: this.options.signal });
    this.#inReal.set(neighbours, pairs);
    return pairs;
  }
}

/** The ruler is that of the real records alone. */
async function kernelOf({ name, vectors }: FileReading, options: CompareOptions): Promise<Kernel> {
  const { kernel = 'rbf', bandwidth = 'median', seed = 0, signal } = options;
  if (kernel === 'linear') return { name: kernel };
  if (bandwidth !== 'median') return { name: kernel, bandwidth };
  const found = await medianBandwidth(vectors.sample, { file: name, option: '--bandwidth', seed, signal });
  return { name: kernel, bandwidth: found };
}

function comparison({ real, synthetic, across, test, neighbours, kernel }: Pairs) {
  const texts = synthetic.texts;
  return {
    real: figures(real),
    synthetic: figures(synthetic),
    ...fidelity(across, neighbours, real.around),
    copies: {
      exact: texts === null ? null : synthetic.copies.exact,
      near: texts === null ? null : synthetic.copies.near,
      close: across.nearestOfB.filter((cosine) => cosine >= closeCosine).length,
      closeCosine,
    },
    nearestReal: spread(across.nearestOfB),
    mmd2: mmd2(real.around, synthetic.around, across),
    pValue: test?.pValue ?? null,
    permutations: test?.permutations ?? 0,
    permuted: test === null ? null : { real: test.points[0], synthetic: test.points[1] },
    kernel: kernel.name === 'linear' ? { name: kernel.name, bandwidth: null } : kernel,
    neighbours,
  };
}

function figures({ name, skipped, normalised, texts, vectors, around, vendi }: Compared): FileFigures {
  return {
    file: name,
    count: vectors.count,
    skipped,
    normalised,
    meanWords: texts?.meanWords ?? null,
    meanCharacters: texts?.meanCharacters ?? null,
    meanCosine: vectors.meanCosine,
    meanCosineError: meanCosineError(around.mean, vectors.count),
    nearestCosine: mean(around.nearest),
    vendi: vendi.score,
    vendiRecords: vendi.records,
    distinct2: texts?.distinct2 ?? null,
    exactDuplicates: texts?.exactDuplicates ?? null,
    nearDuplicates: texts?.nearDuplicates ?? null,
    sampled: vectors.sample.size,
  };
}

/** Of a mean over all pairs of `count` records: 2 sd / sqrt(count), the sd being that of each record's mean over its pairs. */
function meanCosineError(means: Float64Array, count: number): number {
  const centre = mean(means);
  const variance = means.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (means.length - 1);
  return 2 * Math.sqrt(variance / count);
}

/** From the sums of the kernel over all pairs; a vector's kernel with itself is 1. */
function mmd2(real: Within, synthetic: Within, across: Across): Comparison['mmd2'] {
  const [n, m] = [real.nearest.length, synthetic.nearest.length];
  const between = (2 * across.kernelSum) / (n * m);
  return {
    unbiased: real.kernelSum / (n * (n - 1)) + synthetic.kernelSum / (m * (m - 1)) - between,
    biased: (real.kernelSum + n) / n ** 2 + (synthetic.kernelSum + m) / m ** 2 - between,
  };
}

function spread(values: Float32Array): Comparison['nearestReal'] {
  const sorted = values.toSorted();
  const { length } = sorted;
  const median = ((sorted[(length - 1) >> 1] ?? 0) + (sorted[length >> 1] ?? 0)) / 2;
  return { mean: mean(values), median, greatest: sorted.at(-1) ?? 0 };
}

function mean(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
