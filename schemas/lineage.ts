import { z } from 'zod';

import { call } from './call.js';
import { id, open } from './record.js';

/** Where a sample comes from, all the way to seeds, documents and real records. */
export const lineage = open({
  seedIds: z.array(id()),
  documentIds: z.array(id()),
  realIds: z.array(id()),
  planId: id(),
  draftId: id(),
  /** Prompt layouts with their versions, each once, in the order of their first call. */
  promptIds: z.array(z.string()),
  models: z.array(z.string()),
  promptTokens: z.int32(),
  completionTokens: z.int32(),
  /** In US dollars; null where a price is not known. */
  cost: z.number().nullable(),
  calls: z.array(call),
  /** Of the attributes that its prompts showed in place of the real records. */
  attributesId: id().optional(),
  attributes: z.array(open({ name: z.string(), value: z.string() })).default([]),
});

export type Lineage = Readonly<z.infer<typeof lineage>>;
