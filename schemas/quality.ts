import { z } from 'zod';

import { id, instant, open, type RecordOf, record } from './record.js';

/** A mean over pairs of texts: 0 by convention and not `defined` where there are fewer than two; `size` may be an effective one. */
const meanCosine = open({ mean: z.number(), size: z.number(), defined: z.boolean() });

/** How many kinds were seen in the window, and the estimated share of what comes next that is of none of them. */
const coverage = open({ seen: z.int(), singletons: z.int(), unseenMass: z.number() });

/** How diverse the accepted samples of a lane are; docs/metrics.md says how to read each figure. */
export const qualitySchema = record('quality', 1, 'quality', {
  id: id(),
  lane: z.int().nonnegative(),
  /** Accepted samples seen so far in this lane. */
  accepted: z.int(),
  embedder: z.string(),
  window: open({ size: z.int(), firstOrdinal: z.int(), lastOrdinal: z.int() }),
  /** Texts without tokens among all that were seen: they are in no mean. */
  zeros: z.int(),
  /** Mean pairwise cosine; lower is more diverse. */
  meanCosine: open({ total: meanCosine, window: meanCosine, decayed: meanCosine }),
  /** Cosine to the nearest of the window's samples before each: mean and greatest. */
  nearest: open({ mean: z.number(), max: z.number() }),
  /** How many different texts the window was worth when `accepted` were seen: dear, so not computed at each measurement. */
  vendi: open({ score: z.number(), accepted: z.int() }),
  /** Equally strong directions that would vary as much. */
  participationRatio: z.number(),
  distinct1: z.number(),
  distinct2: z.number(),
  /** Of labels; null where samples have none. */
  labels: coverage.nullable(),
  /** Of topics: cells of the embedding space. */
  topics: coverage,
  /** Drafts of the window against what refining made of them; null where no draft is known. */
  refinement: open({
    pairs: z.int(),
    /** Of a draft and its refined text, on average. */
    cosine: z.number(),
    /** Share of the characters that were rewritten, on average. */
    editDistance: z.number(),
    /** Share of the texts that were left as they were. */
    unchanged: z.number(),
    /** Mean pairwise cosine of either. */
    drafts: z.number(),
    refined: z.number(),
    /** refined - drafts: above 0, refining made texts more alike. */
    difference: z.number(),
    /** Of the difference, by the jackknife over pairs; null under three. */
    standardError: z.number().nullable(),
    /** Of no difference, two-sided, for one look; null where it is not known. */
    pValue: z.number().nullable(),
  }).nullable(),
  at: instant(),
});

export type Quality = RecordOf<typeof qualitySchema>;
