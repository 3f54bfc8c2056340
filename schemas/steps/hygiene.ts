import { z } from 'zod';

/** What a text must be like to become a sample. */
export const gateStep = z.strictObject({
  /** Word 5-gram containment from which a text counts as a copy of a seed. */
  seedOverlap: z.number().gt(0).max(1).default(0.6),
});
