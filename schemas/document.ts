import { z } from 'zod';

import { origin } from './example.js';
import { id, type RecordOf, record } from './record.js';

/** A reference text that questions can be grounded in. */
export const documentSchema = record('document', 1, 'documents', {
  id: id(),
  text: z.string(),
  title: z.string().optional(),
  origin,
});

export type Document = RecordOf<typeof documentSchema>;
