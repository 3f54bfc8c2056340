import { z } from 'zod';

/** How the distance to the real stream is measured. */
export const rollingMmdStep = z.strictObject({
  /** Records in each of the two windows. */
  window: z.int().min(8).max(100_000).default(512),
  /** Random Fourier frequencies. */
  frequencies: z.int().min(16).max(4096).default(512),
  /** Accepted samples between two corrections. */
  every: z.int().positive().default(8),
});
