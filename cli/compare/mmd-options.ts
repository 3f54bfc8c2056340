import { HeadwaterError } from '../../schemas/errors.js';

const mostPermutations = 1_000_000;

/** How the distance of two files is measured and tested. */
export interface MmdOptions {
  /** Times that the records are dealt out anew for the p-value; 0 for none. @default 1000 */
  readonly permutations?: number;
  /** Of the RBF kernel: a number, or that of the median heuristic on real records. @default median */
  readonly bandwidth?: number | 'median';
  /** @default rbf */
  readonly kernel?: 'rbf' | 'linear';
}

/** Rejects what no command can mean, as `recipe-invalid` with the option's name. */
export function checkMmdOptions({ permutations = 0, bandwidth, kernel = 'rbf' }: MmdOptions): void {
  if (!(Number.isInteger(permutations) && permutations >= 0 && permutations <= mostPermutations)) {
    throw wrong(`--permutations: expected a whole number from 0 to ${mostPermutations}, got ${permutations}`);
  }
  if (bandwidth === undefined) return;
  if (kernel === 'linear') throw wrong('--bandwidth: the linear kernel has none; leave it out, or use --kernel rbf');
  if (bandwidth !== 'median' && !(bandwidth > 0 && Number.isFinite(bandwidth))) {
    throw wrong(`--bandwidth: expected a positive number or median, got ${bandwidth}`);
  }
}

function wrong(message: string): HeadwaterError {
  return new HeadwaterError('recipe-invalid', message);
}
