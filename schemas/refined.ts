import { z } from 'zod';

import { call } from './call.js';
import { fields } from './example.js';
import { planSchema } from './plan.js';
import { id, open, type RecordOf, record } from './record.js';

/** A draft after the instruct model edited it; or the draft itself where the edit was worse. */
export const refinedSchema = record('refined', 1, 'refined', {
  id: id(),
  plan: planSchema.type,
  draft: open({ id: id(), fields }),
  fields,
  kept: z.enum(['refined', 'draft']),
  /** Why the draft was kept, where it was. */
  keptBecause: z.string().optional(),
  calls: z.array(call),
});

export type Refined = RecordOf<typeof refinedSchema>;
