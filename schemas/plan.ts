import { z } from 'zod';

import { fields } from './example.js';
import { id, instant, open, type RecordOf, record } from './record.js';

/** What a plan shows the base model: a seed, without its origin. */
export const example = open({
  id: id(),
  fields,
  label: z.string().optional(),
  vary: z.record(z.string(), z.string()).default({}),
});

/** One intended sample: everything that its draft depends on, so that drafting is a function of the plan alone. */
export const planSchema = record('plan', 1, 'plans', {
  id: id(),
  /** The partition whose plans, ledger and target belong together. */
  lane: z.int().nonnegative(),
  /** The place in plan order within the lane, from 0, without gaps. */
  ordinal: z.int().nonnegative(),
  method: z.literal('bare'),
  label: z.string().optional(),
  vary: z.record(z.string(), z.string()),
  /** Who the writer is to be. */
  persona: z.string().optional(),
  /** What the text is to be grounded in. */
  document: open({ id: id(), title: z.string().optional(), text: z.string() }).optional(),
  /** The text that stands in place of a draft, made elsewhere. */
  given: open({ id: id(), fields }).optional(),
  /** The plans that are written together, from 0, and the place of this one among them, from 0 to `size` - 1. */
  group: open({ number: z.int().nonnegative(), place: z.int().nonnegative(), size: z.int().min(1) }).optional(),
  examples: z.array(example),
  /** How many seeds the planner had absorbed: the gate compares with exactly these. */
  seedCount: z.int().nonnegative(),
  /** The random seed of the first model call; later attempts derive theirs from it. */
  randomSeed: z.int().nonnegative(),
  plannedAt: instant(),
});

export type Plan = RecordOf<typeof planSchema>;
export type Example = Readonly<z.infer<typeof example>>;
