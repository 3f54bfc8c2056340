import type { Fidelity } from '../../operators/quality/fidelity.js';
import type { SkippedRecords } from '../files/skips.js';

/** One file's figures; those of texts are null where only vectors were compared. */
export interface FileFigures {
  readonly file: string;
  /** Records that were compared. */
  readonly count: number;
  readonly skipped: SkippedRecords;
  /** Ready-made vectors that had to be scaled to unit norm. */
  readonly normalised: number;
  readonly meanWords: number | null;
  /** UTF-16 code units. */
  readonly meanCharacters: number | null;
  readonly meanCosine: number;
  /** The standard error of `meanCosine`. */
  readonly meanCosineError: number;
  /** The mean cosine of a record with the nearest other one of its own file, in the sample. */
  readonly nearestCosine: number;
  readonly vendi: number;
  /** The records behind `vendi`. */
  readonly vendiRecords: number;
  readonly distinct2: number | null;
  readonly exactDuplicates: number | null;
  readonly nearDuplicates: number | null;
  /** Records in the sample that pairs are made of. */
  readonly sampled: number;
}

/** How close synthetic records come to real ones. */
export interface Copies {
  /** Synthetic texts that are a real text. */
  readonly exact: number | null;
  /** Synthetic texts that are not, but are a near duplicate of one. */
  readonly near: number | null;
  /** Sampled synthetic records whose cosine with a sampled real one is at least `closeCosine`. */
  readonly close: number;
  readonly closeCosine: number;
}

/** What `headwater compare --json` prints of a real and a synthetic file. */
export interface Comparison extends Fidelity {
  readonly real: FileFigures;
  readonly synthetic: FileFigures;
  readonly copies: Copies;
  /** The cosine of a sampled synthetic record with its nearest sampled real one. */
  readonly nearestReal: { readonly mean: number; readonly median: number; readonly greatest: number };
  /** Squared maximum mean discrepancy of the samples. */
  readonly mmd2: { readonly unbiased: number; readonly biased: number };
  /** How often points dealt out anew are as far apart: above 0, up to 1; null where that was not asked. */
  readonly pValue: number | null;
  /** Times that the points were dealt out anew; 0 where that was not asked. */
  readonly permutations: number;
  /** Records of each file that were dealt out; null where none were. */
  readonly permuted: { readonly real: number; readonly synthetic: number } | null;
  /** That of `mmd2` and `pValue`; the linear kernel has no bandwidth. */
  readonly kernel:
    | { readonly name: 'rbf'; readonly bandwidth: number }
    | { readonly name: 'linear'; readonly bandwidth: null };
  /** The k of `coverage`, `density`, `precision` and `recall`. */
  readonly neighbours: number;
  readonly seed: number;
  /** The fields whose texts were compared, joined by a line break. */
  readonly fields: readonly string[];
  /** The column of ready-made vectors; null where texts were embedded. */
  readonly vectors: string | null;
  readonly embedder: string | null;
  readonly seconds: number;
}
