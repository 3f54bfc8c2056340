import { sampleWithoutReplacement, systematicResample } from '../../operators/kernels/weights/resample.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { WeightRow } from './weights-file.js';

export interface DrawSettings {
  readonly resample: number | undefined;
  readonly withoutReplacement: boolean;
  readonly seed: number;
}

/** What was drawn. */
export interface Drawn {
  readonly count: number;
  /** Candidates that were drawn once at least. */
  readonly different: number;
  /** One for each draw, of weight 1, by rising index: a candidate that was drawn twice is there twice. */
  readonly rows: Iterable<WeightRow>;
}

/** Candidates drawn by their weights; null where none are asked for. Throws `recipe-invalid` for more than can be drawn. */
export function drawnRows(
  { rows, weights }: { readonly rows: readonly number[]; readonly weights: Float64Array },
  { resample: count, withoutReplacement, seed }: DrawSettings,
): Drawn | null {
  if (count === undefined) return null;
  if (!withoutReplacement) {
    const counts = systematicResample(weights, count, seed);
    const different = counts.reduce((sum, drawn) => sum + (drawn > 0 ? 1 : 0), 0);
    return { count, different, rows: repeated(rows, counts) };
  }
  const drawable = weights.reduce((sum, weight) => sum + (weight > 0 ? 1 : 0), 0);
  if (count > drawable) {
    const message = `--resample: ${count} different candidates were asked for, and ${drawable} have a weight; ask for fewer, or raise --regularization`;
    throw new HeadwaterError('recipe-invalid', message);
  }
  const drawn = sampleWithoutReplacement(weights, count, seed);
  return { count, different: count, rows: Array.from(drawn, (i) => ({ index: rows[i] ?? 0, weight: 1 })) };
}

function* repeated(rows: readonly number[], counts: Uint32Array): Generator<WeightRow> {
  for (const [i, index] of rows.entries()) {
    for (let n = 0; n < (counts[i] ?? 0); n++) yield { index, weight: 1 };
  }
}
