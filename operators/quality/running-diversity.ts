import { HeadwaterError } from '../../schemas/errors.js';
import { CosineSum, DecayedCosineSum } from '../kernels/diversity/cosine-sum.js';
import { packed, unpackedFloat64 } from './packed.js';

/** The memory's key of the sums. */
export const sumsKey = 'sums';

/** The mean pairwise cosine of all samples ever, and of the recent ones under decay. */
export interface RunningDiversity {
  readonly total: CosineSum;
  readonly decayed: DecayedCosineSum;
}

/** Sums as they are kept in the memory, as they were after `seen` samples. */
interface StoredSums {
  readonly seen: number;
  readonly total: { readonly sum: string; readonly squares: number; readonly size: number; readonly zeros: number };
  readonly decayed: {
    readonly sum: string;
    readonly weight: number;
    readonly squaredWeight: number;
    readonly squares: number;
    readonly seen: number;
  };
}

/** What the memory must hold of sums after `seen` samples. */
export function storedSums(seen: number, { total, decayed }: RunningDiversity): StoredSums {
  const [all, recent] = [total.state, decayed.state];
  return {
    seen,
    total: { ...all, sum: packed(all.sum) },
    decayed: { ...recent, sum: packed(recent.sum) },
  };
}

/**
 * The sums that a memory holds, and how many samples they are of; empty ones where it holds none. Throws `HeadwaterError` with code
 * `record-invalid` where they are damaged.
 */
export function restoredSums(
  memory: ReadonlyMap<string, unknown>,
  dimensions: number,
  halfLife: number,
): RunningDiversity & { readonly seen: number } {
  const stored = memory.get(sumsKey);
  if (stored === undefined) {
    return { seen: 0, total: new CosineSum(dimensions), decayed: new DecayedCosineSum(dimensions, halfLife) };
  }
  if (!isStored(stored)) {
    throw new HeadwaterError('record-invalid', `the memory holds sums of diversity that cannot be read`);
  }
  const { seen, total, decayed } = stored;
  return {
    seen,
    total: CosineSum.from({ ...total, sum: unpackedFloat64(total.sum, dimensions) }),
    decayed: DecayedCosineSum.from({ ...decayed, sum: unpackedFloat64(decayed.sum, dimensions) }, halfLife),
  };
}

function isStored(value: unknown): value is StoredSums {
  if (typeof value !== 'object' || value === null) return false;
  const { seen, total, decayed } = value as Partial<Record<keyof StoredSums, unknown>>;
  return (
    Number.isSafeInteger(seen) &&
    hasNumbers(total, ['squares', 'size', 'zeros']) &&
    hasNumbers(decayed, ['weight', 'squaredWeight', 'squares', 'seen'])
  );
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === 'object' && value !== null && names.every((name) => Number.isFinite(Reflect.get(value, name)))
  );
}
