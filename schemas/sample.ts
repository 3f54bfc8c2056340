import { z } from 'zod';

import { fields } from './example.js';
import { lineage } from './lineage.js';
import { id, instant, type RecordOf, record, vector } from './record.js';

/** An accepted synthetic sample. */
export const sampleSchema = record('sample', 1, 'samples', {
  id: id(),
  lane: z.int().nonnegative(),
  ordinal: z.int().nonnegative(),
  fields,
  label: z.string().optional(),
  weight: z.number().nonnegative(),
  embedding: vector().optional(),
  lineage,
  /** The number of the group that it was written together with, where there is one: such samples are not independent. */
  group: z.int().nonnegative().optional(),
  createdAt: instant(),
});

export type Sample = RecordOf<typeof sampleSchema>;
