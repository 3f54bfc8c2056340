import { z } from 'zod';

import { call } from './call.js';
import { fields } from './example.js';
import { planSchema } from './plan.js';
import { id, type RecordOf, record } from './record.js';

/** What the base model wrote for a plan, parsed into the domain's fields. */
export const draftSchema = record('draft', 1, 'drafts', {
  id: id(),
  plan: planSchema.type,
  fields,
  /** Texts of the same group that its prompt showed beside the plan's examples. */
  shown: z.array(fields).optional(),
  /** The calls of all attempts, the last one being the one that parsed. */
  calls: z.array(call),
});

export type Draft = RecordOf<typeof draftSchema>;
