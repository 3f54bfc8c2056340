import type { Points } from '../../operators/kernels/points.js';
import { hashUint32 } from '../../operators/kernels/random.js';
import { effectiveSampleSize } from '../../operators/kernels/weights/effective-sample-size.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { openTable } from '../../streams/inputs/open-table.js';
import { chooseColumns, namedColumns } from '../files/choose-columns.js';
import { plainTextOf } from '../files/file-text.js';
import { checkDimensions, HeldVectors } from '../files/held-vectors.js';
import { medianBandwidth } from '../files/median-bandwidth.js';
import { tooFewRecords } from '../files/skips.js';
import { type AlignOptions, checkedSettings, type Settings } from './align-options.js';
import type { Alignment } from './alignment.js';
import { drawnRows } from './drawn-rows.js';
import type { TwoFeatures } from './each-features.js';
import { heldReal, readReal } from './real-side.js';
import { type Group, meansOfHeld, type Problem, type Solved, solveAll } from './solve-all.js';
import { VectorBatches, type VectorReading } from './vector-batches.js';
import { labelShares, rowsOf, type Weighed, weighAll, weighTogether } from './weighed.js';
import { checkNoInput, writeWeights } from './weights-file.js';

/**
 * A real file and one of candidates in, a weight for each candidate out, under which the candidates are like the real records.
 *
 * Weights have the least MMD to the real records that a ridge, a cap and a floor of the effective sample size allow (`mmdWeights`): by the
 * kernel of all pairs while those are few, else in random Fourier features. With `by`, within each label, and labels get their shares among
 * the real records exactly. What is slow is done by threads, labels beside one another. Files are read once; candidates beyond `sample` a
 * second time. Memory: 65,536 real vectors at most, `sample` candidates with their features (100 MB by default), and 16 bytes a candidate.
 * Rejects with `HeadwaterError`: `input-unreadable`, `recipe-invalid` for an option, also where the file of weights is one of those that
 * are read, `store-unwritable` for the file of weights, or what opening the embedder rejects with.
 *
 * @example
 * ```ts
 * const { mmd2Before, mmd2After } = await alignFiles('real.jsonl', 'made.jsonl', { base, by: 'label', out: 'weights.parquet', openEmbedder, signal });
 * ```
 */
export async function alignFiles(realFile: string, candidateFile: string, options: AlignOptions): Promise<Alignment> {
  const started = performance.now();
  const settings = checkedSettings(realFile, candidateFile, options);
  const { base, by, out, stdin, signal, watch } = options;
  if (out !== undefined) await checkNoInput(out, base, [realFile, candidateFile]);
  const input = { base, columns: namedColumns(options), ...(stdin === undefined ? {} : { stdin }) };
  const tables = [await openTable(realFile, input), await openTable(candidateFile, input)] as const;
  const fields = options.fields ?? (options.vectors === undefined ? undefined : []);
  const columns = chooseColumns(tables, {
    ...(options.vectors === undefined ? {} : { vectors: options.vectors }),
    ...(fields === undefined ? {} : { fields }),
    ...(by === undefined ? {} : { by }),
  });
  watch?.chosen?.(columns, plainTextOf(tables));

  const embedder = columns.vectors === null ? await options.openEmbedder() : null;
  try {
    const reading = (file: string): VectorReading => ({
      columns,
      embedder,
      labels: by ?? null,
      signal,
      progress: (records) => watch?.reading?.(file, records),
    });
    const candidates = new VectorBatches(tables[1], reading(tables[1].name));
    const sample = await readCandidates(candidates, candidateFile, settings);
    const realBatches = new VectorBatches(tables[0], reading(tables[0].name));
    const featuresOf = async (first: Points): Promise<TwoFeatures> => {
      checkDimensions(tables[0].name, first, tables[1].name, sample.points);
      const { bandwidth = 'median' } = options;
      const median = { file: tables[0].name, option: '--bandwidth', seed: settings.seed, signal };
      const width = bandwidth === 'median' ? await medianBandwidth(first, median) : bandwidth;
      return twoFeatures(first.dimensions, width, settings);
    };
    const real = await readReal(realBatches, options.held ?? heldReal, featuresOf, (features, held) =>
      meansOfHeld(features, held, { signal, watch }),
    );
    const features = real.features ?? (await featuresOf(real.held?.points ?? sample.points));
    const problem: Problem = { real, sample, features, settings, signal, watch };

    const solved = await solveAll(problem);
    const again = async () => {
      const table = await openTable(candidateFile, { base });
      return new VectorBatches(table, reading(table.name));
    };
    const weighed =
      sample.seen === sample.size ? weighTogether(sample, solved) : await weighAll(again, problem, solved);
    const drawn = drawnRows(weighed, settings);
    if (out !== undefined) await writeWeights(out, base, drawn?.rows ?? rowsOf(weighed));
    return {
      ...figures(weighed, solved, problem),
      resampled: drawn && { count: drawn.count, different: drawn.different },
      real: { file: tables[0].name, count: real.count, normalised: realBatches.normalised },
      candidates: { file: tables[1].name, count: sample.seen, normalised: candidates.normalised },
      skipped: { real: realBatches.skipped, candidates: candidates.skipped },
      out: out ?? null,
      seed: settings.seed,
      fields: columns.fields,
      vectors: columns.vectors,
      embedder: embedder?.id ?? null,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await embedder?.close();
  }
}

async function readCandidates(batches: VectorBatches, file: string, settings: Settings): Promise<HeldVectors> {
  const sample = new HeldVectors(settings.sample, settings.seed);
  for await (const batch of batches.batches()) for (const record of batch) sample.add(record);
  if (sample.size === 0) throw tooFewRecords(batches.name, batches.skipped);
  requireEachLabel(sample, settings);
  if (file === '-' && sample.seen > sample.size) {
    const message = `standard input has more than ${sample.size} candidates, which must be read twice: save them to a file, or raise --sample`;
    throw new HeadwaterError('input-unreadable', message);
  }
  return sample;
}

/** The part of the document that is about the weights. */
function figures(weighed: Weighed, solved: Solved, { real, sample, features, settings }: Problem) {
  const groups = [...solved.groups.values()];
  const most = (of: (group: Group) => number) => groups.reduce((greatest, group) => Math.max(greatest, of(group)), 0);
  return {
    count: weighed.rows.length,
    effectiveSampleSize: effectiveSampleSize(weighed.weights),
    mmd2Before: solved.mmd2Before,
    mmd2After: solved.mmd2After,
    maxWeight: weighed.weights.reduce((greatest, weight) => Math.max(greatest, weight), 0),
    labels: settings.by === undefined ? null : labelShares(weighed, real),
    objective: settings.objective,
    kernel: { name: 'rbf' as const, bandwidth: features.bandwidth },
    frequencies: solved.frequencies,
    together: sample.size,
    regularization: most((group) => group.regularization),
    cap: settings.cap,
    gap: most((group) => group.gap),
    iterations: groups.reduce((sum, group) => sum + group.iterations, 0),
  };
}

function twoFeatures(dimensions: number, bandwidth: number, { objective, frequencies, seed }: Settings): TwoFeatures {
  const options = { dimensions, frequencies, bandwidth };
  return {
    bandwidth,
    fit: { ...options, objective, seed },
    judge: { ...options, objective: 'kernel', seed: hashUint32(seed, 'judge') },
  };
}

/** Of more labels than records that are solved for together, some would have no weights. */
function requireEachLabel(sample: HeldVectors, { by }: Settings): void {
  const missing = [...sample.counts.keys()].find((label) => sample.placesOf(label).length === 0);
  if (missing === undefined) return;
  const { size } = sample.counts;
  throw new HeadwaterError(
    'input-unreadable',
    `none of the ${sample.size} candidates that are solved for together has the label '${missing}', as '${by}' has ${size} different ones: raise --sample to ${size} or more`,
  );
}
