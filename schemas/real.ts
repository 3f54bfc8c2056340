import { z } from 'zod';

import { fields, origin } from './example.js';
import { id, type RecordOf, record } from './record.js';

/** An observation of the real stream, in the domain's fields: the reference that synthetic samples are held against. */
export const realSchema = record('real', 1, 'real', {
  id: id(),
  fields,
  label: z.string().optional(),
  origin,
});

export type Real = RecordOf<typeof realSchema>;
