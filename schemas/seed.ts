import { z } from 'zod';

import { fields, origin } from './example.js';
import { id, type RecordOf, record } from './record.js';

/** An example of the domain, written or chosen by a person; the base model sees a few of them. */
export const seedSchema = record('seed', 1, 'seeds', {
  id: id(),
  fields,
  label: z.string().optional(),
  /** The values of the recipe's `vary` fields that this example shows. */
  vary: z.record(z.string(), z.string()).default({}),
  origin,
});

export type Seed = RecordOf<typeof seedSchema>;
