import type { SkippedRecords } from '../files/skips.js';

/** How the records of a label stand on both sides. */
export interface LabelShares {
  readonly label: string;
  /** Shares from 0 to 1: of the real records, of the candidates, and of the candidates by their weights. */
  readonly real: number;
  readonly before: number;
  readonly after: number;
  /** Candidates of the label. */
  readonly count: number;
  /** Of their weights among themselves; null where they have none. */
  readonly effectiveSampleSize: number | null;
}

/** What `headwater align --json` prints. */
export interface Alignment {
  /** Candidates that were weighted. */
  readonly count: number;
  /** How many candidates of equal weight the weighted ones are worth: (sum w)^2 / sum w^2. */
  readonly effectiveSampleSize: number;
  /** Squared maximum mean discrepancy to the real records, biased: of even weights, and of these. */
  readonly mmd2Before: number;
  readonly mmd2After: number;
  /** Where 1 is that of all candidates alike. */
  readonly maxWeight: number;
  /** Null where no column of labels was named. */
  readonly labels: readonly LabelShares[] | null;
  /** `kernel`: weights were fitted in the kernel below; `projections`: in random linear ones, which see only the mean. */
  readonly objective: 'kernel' | 'projections';
  /** In which the distances above are, whatever the objective. */
  readonly kernel: { readonly name: 'rbf'; readonly bandwidth: number };
  /** Random Fourier frequencies that stand for the kernel, as many for fitting and others for judging; null where it was computed for all pairs. */
  readonly frequencies: number | null;
  /** Candidates that were solved for together; the weights of the others are read off the solution. */
  readonly together: number;
  /** Of the ridge as it was used, which is larger than what was asked for where the effective sample size was too low; the most of all labels. */
  readonly regularization: number;
  readonly cap: number;
  /** How far the worst of the solutions is from its best, at most, as a squared MMD. */
  readonly gap: number;
  readonly iterations: number;
  /** What was drawn, where `--resample` asked for it. */
  readonly resampled: { readonly count: number; readonly different: number } | null;
  readonly real: { readonly file: string; readonly count: number; readonly normalised: number };
  readonly candidates: { readonly file: string; readonly count: number; readonly normalised: number };
  readonly skipped: { readonly real: SkippedRecords; readonly candidates: SkippedRecords };
  readonly out: string | null;
  readonly seed: number;
  /** The fields whose texts were embedded, joined by a line break. */
  readonly fields: readonly string[];
  /** The column of ready-made vectors; null where texts were embedded. */
  readonly vectors: string | null;
  readonly embedder: string | null;
  readonly seconds: number;
}
