import type { SteerStep } from '../../../schemas/steps/synalign.js';

/** The mean of the kernel over pairs of real records, in order of magnitude: by the median heuristic half of all pairs are above 1/e. */
const meanKernel = Math.exp(-1);

/** exp(strength e witness), within [1 / bound, bound]: e w is about the missing share of what there should be. */
export function demandOf(witness: number, steer: SteerStep): number {
  const most = Math.log(steer.bound);
  return Math.exp(Math.min(most, Math.max(-most, gainOf(steer) * witness)));
}

/** What a witness of 1 adds to the logarithm of demand. */
export function gainOf({ strength }: SteerStep): number {
  return strength / meanKernel;
}
