import type { SkippedRecords } from '../files/skips.js';

/** `variance`: where least is known. `integrated`: where a pick tells most of all records. */
export type Criterion = 'variance' | 'integrated';

/** The order in which records of a file are explored; `headwater explore --json` prints it. */
export interface ExploredFile {
  readonly file: string;
  /** Records of the file that can be used. */
  readonly count: number;
  /** Those that could be picked: all of them, or a sample by the seed. */
  readonly sampled: number;
  readonly skipped: SkippedRecords;
  /** Ready-made vectors that had to be scaled to unit norm. */
  readonly normalised: number;
  readonly criterion: Criterion;
  /** Of the RBF kernel. */
  readonly lengthScale: number;
  /**
   * Whether variances differed anywhere by 1e-9 or more; if not, the length scale tells nothing, and the order is that of the seed. Null where there
   * is nothing to judge: a single record, or none but single ones and their copies in each label.
   */
  readonly informative: boolean | null;
  readonly picks: readonly FilePick[];
  /** With `--by`. */
  readonly labels?: readonly ExploredLabel[];
  readonly fields: readonly string[];
  /** The column of ready-made vectors. */
  readonly vectors: string | null;
  readonly embedder: string | null;
  readonly seed: number;
  readonly seconds: number;
}

export interface FilePick {
  /** The number of the row in the file, from 0. */
  readonly index: number;
  /** Of the Gaussian process there, given the picks before (of its label): from 1, nothing is known, to 0. */
  readonly variance: number;
  readonly label?: string;
}

export interface ExploredLabel {
  readonly label: string;
  readonly count: number;
  readonly sampled: number;
  readonly picks: number;
  /** As of the file: of this label's picks alone. Null also before its turn came. */
  readonly informative: boolean | null;
}
