import { z } from 'zod';

import { id, instant, type RecordOf, record } from './record.js';

/** The end of one plan's line: accepted, dropped or dead, with what was spent on it. */
export const ledgerEntrySchema = record('ledger-entry', 1, 'ledger', {
  id: id(),
  lane: z.int().nonnegative(),
  ordinal: z.int().nonnegative(),
  planId: id(),
  /** The record at which the line ended. */
  subject: id(),
  stage: z.string(),
  /** Of the plan: what the planner counts accepted and missing samples by. */
  label: z.string().optional(),
  outcome: z.enum(['accepted', 'dropped', 'dead']),
  /** The correction that came with the accepted sample, where corrections steer: it is heeded when this line is counted. */
  correction: id().optional(),
  /** Why it was dropped, or the code under which it died. */
  reason: z.string().optional(),
  promptTokens: z.int(),
  completionTokens: z.int(),
  /** Paid for this line: what was reused cost nothing. */
  cost: z.number().nullable(),
  /** Answers that other runs had paid for, and what they had cost; null where that is not known. */
  savedCalls: z.int().optional(),
  /** What those read and wrote, which is among the tokens above. */
  savedTokens: z.int().optional(),
  savedCost: z.number().nullable().optional(),
  at: instant(),
});

export type LedgerEntry = RecordOf<typeof ledgerEntrySchema>;
