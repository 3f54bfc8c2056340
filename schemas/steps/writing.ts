import { z } from 'zod';

/** How drafts are written. */
export const draftStep = z.strictObject({
  /** Seeds shown to the base model. */
  examples: z.int().min(1).default(3),
  /** Model calls for one plan before it is dropped. */
  attempts: z.int().min(1).max(10).default(3),
});

/** How drafts are refined. */
export const refineStep = z.strictObject({
  /** `edit`: examples and the paper's instruction; `copy-edit`: no examples, a grammar, for tiny models. */
  style: z.enum(['edit', 'copy-edit']).optional(),
  attempts: z.int().min(1).max(10).default(2),
  /** The draft is kept where the edit's cosine to it is lower. */
  minCosine: z.number().min(-1).max(1).default(0.7),
  /** The draft is kept where the edit is shorter than this share of it. */
  minLengthRatio: z.number().min(0).max(1).default(0.6),
});
