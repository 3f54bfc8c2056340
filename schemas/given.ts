import { z } from 'zod';

import { fields, origin } from './example.js';
import { id, type RecordOf, record } from './record.js';

/** A text that was written elsewhere and stands in place of a draft: the shape of a seed. */
export const givenSchema = record('given', 1, 'given', {
  id: id(),
  fields,
  label: z.string().optional(),
  /** The values of the recipe's `vary` fields that this text shows. */
  vary: z.record(z.string(), z.string()).default({}),
  origin,
});

export type Given = RecordOf<typeof givenSchema>;
