import { z } from 'zod';

import { id, instant, open, type RecordOf, record } from './record.js';

/** How far the recent synthetic samples are from the recent real records. */
export const correctionSchema = record('correction', 1, 'corrections', {
  id: id(),
  lane: z.int().nonnegative(),
  /** Accepted samples seen so far in this lane. */
  accepted: z.int(),
  /** Unbiased squared MMD of the two windows; may be negative. */
  mmd2: z.number(),
  /** Of the RBF kernel. */
  bandwidth: z.number(),
  /** Random Fourier frequencies behind the estimate. */
  frequencies: z.int(),
  embedder: z.string(),
  synthetic: open({ size: z.int(), firstOrdinal: z.int(), lastOrdinal: z.int() }),
  real: open({ size: z.int(), seen: z.int() }),
  at: instant(),
});

export type Correction = RecordOf<typeof correctionSchema>;
