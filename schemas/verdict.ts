import { z } from 'zod';

import { call } from './call.js';
import { id, instant, open, type RecordOf, record } from './record.js';

/** What a judge said of one sample among three real records, and what all its answers say together. */
export const verdictSchema = record('verdict', 1, 'verdicts', {
  id: id(),
  lane: z.int().nonnegative(),
  sampleId: id(),
  /** The real records that it was shown among, in the order of their places. */
  realIds: z.array(id()),
  /** Where the sample stood, 1 to 4. */
  place: z.int().min(1).max(4),
  /** The place that the judge named; null where no answer could be read. */
  answer: z.int().min(1).max(4).nullable(),
  outcome: z.enum(['disguised', 'detected', 'unreadable']),
  /** What the judge wrote last, shortened. */
  said: z.string(),
  calls: z.array(call),
  /** Of all answers that could be read in this lane; the null is 0.75. */
  running: open({
    judged: z.int(),
    disguised: z.int(),
    unreadable: z.int(),
    /** disguised / judged. */
    rate: z.number(),
    alpha: z.number(),
    /** Holds the true rate at all times at once, with probability 1 - alpha. */
    interval: open({ low: z.number(), high: z.number() }),
    /** Evidence against `rate >= 0.75`, and the most there ever was; natural logarithms. */
    logDetectable: z.number(),
    logModeSeeking: z.number(),
    peakDetectable: z.number(),
    peakModeSeeking: z.number(),
    /** Fixed once either peak has reached 2 / alpha. */
    decision: z.enum(['undecided', 'detectable', 'mode-seeking']),
  }),
  /** For all judgements of this lane, those that died among them. */
  spent: open({
    calls: z.int(),
    promptTokens: z.int(),
    completionTokens: z.int(),
    /** US dollars that were paid; null where a price is not known. */
    cost: z.number().nullable(),
    /** Of answers that other runs had paid for. */
    savedCalls: z.int(),
    savedTokens: z.int(),
    savedCost: z.number().nullable(),
  }),
  at: instant(),
});

export type Verdict = RecordOf<typeof verdictSchema>;
