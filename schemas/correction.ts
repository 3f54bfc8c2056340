import { z } from 'zod';

import { id, instant, open, type RecordOf, record } from './record.js';

/** How far the recent synthetic samples are from the recent real records. */
export const correctionSchema = record('correction', 1, 'corrections', {
  id: id(),
  lane: z.int().nonnegative(),
  /** Accepted samples seen so far in this lane. */
  accepted: z.int(),
  /** Unbiased squared MMD of the two windows; may be negative. */
  mmd2: z.number(),
  /** Of the RBF kernel. */
  bandwidth: z.number(),
  /** Random Fourier frequencies behind the estimate. */
  frequencies: z.int(),
  embedder: z.string(),
  synthetic: open({ size: z.int(), firstOrdinal: z.int(), lastOrdinal: z.int() }),
  real: open({ size: z.int(), seen: z.int() }),
  /** How often the reference was taken anew: 0, and one more after each alarm of a drift. */
  reference: z.int().nonnegative().optional(),
  /** Mean random features of the real window less those of the synthetic one: `float32 [2 frequencies]`, base64. */
  witness: z.string().optional(),
  /** Parts of the real distribution, each around a real record: those furthest from their share first. */
  regions: z
    .array(
      open({
        exemplar: id(),
        /** The start of its text. */
        text: z.string(),
        label: z.string().optional(),
        /** Shares of the two windows that are nearest to it. */
        real: z.number(),
        synthetic: z.number(),
        /** At the exemplar: above 0 too little is written there, below 0 too much. */
        witness: z.number(),
      }),
    )
    .optional(),
  /** Shares of the two windows by label. */
  labels: z.record(z.string(), open({ real: z.number(), synthetic: z.number() })).optional(),
  /**
   * Values of attributes, by label, with the mean witness of the samples that have them less that of all samples of the label: those
   * furthest from 0 first, of few samples last.
   */
  attributes: z
    .array(
      open({
        /** That of the samples, where they have one. */
        label: z.string().optional(),
        name: z.string(),
        value: z.string(),
        count: z.int(),
        witness: z.number(),
        /** Standard error of the witness. */
        error: z.number().optional(),
      }),
    )
    .optional(),
  /** Whether the real stream has drifted from its reference. */
  drift: open({
    /** Squared MMD of the newest real records and the reference; with NEWMA, the distance of the quick average from the slow one. */
    statistic: z.number(),
    /** There is an alarm above it. Null while it is calibrated or learned, and while it cools down after an alarm. */
    threshold: z.number().nullable(),
    /** Real records between two false alarms, in the mean; null with NEWMA, which promises none. */
    expectedRunTime: z.number().nullable(),
    /** Real records since the test began. */
    tested: z.int(),
    /** Real records since the last alarm. */
    since: z.int().min(0).optional(),
    /** Newest real records that an alarm is raised by. */
    window: z.int().min(1).optional(),
    /** Alarms so far. */
    alarms: z.int(),
  }).optional(),
  /** Whether samples differ from real records at all, by betting. */
  equality: open({
    /** The natural logarithm of the wealth. */
    logWealth: z.number(),
    pairs: z.int(),
    /** The chance that equal streams are ever told apart. */
    alpha: z.number(),
    rejected: z.boolean(),
  }).optional(),
  at: instant(),
});

export type Correction = RecordOf<typeof correctionSchema>;
