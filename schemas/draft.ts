import { z } from 'zod';

import { call } from './call.js';
import { fields } from './example.js';
import { planSchema } from './plan.js';
import { id, open, type RecordOf, record } from './record.js';

/** What a model wrote for a plan, parsed into the domain's fields; or what the plan was given. */
export const draftSchema = record('draft', 1, 'drafts', {
  id: id(),
  plan: planSchema.type,
  fields,
  /** Texts of the same group that its prompt showed beside the plan's examples. */
  shown: z.array(fields).optional(),
  /** The places of the group whose texts the same answer held. */
  together: open({ first: z.int().nonnegative(), last: z.int().nonnegative() }).optional(),
  /** The calls of all attempts, the last one being the one that parsed; of an answer for several plans, this one's share. */
  calls: z.array(call),
});

export type Draft = RecordOf<typeof draftSchema>;
