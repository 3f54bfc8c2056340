import { z } from 'zod';

import { call } from './call.js';
import { fields } from './example.js';
import { id, instant, open, type RecordOf, record } from './record.js';

/** What a plan shows the model: a seed or a real record, without its origin. */
export const example = open({
  id: id(),
  fields,
  label: z.string().optional(),
  vary: z.record(z.string(), z.string()).default({}),
  /** Where it was drawn from. @default a seed */
  from: z.enum(['seeds', 'real']).optional(),
});

/** How much is missing of texts with a value of an attribute, by the corrections: above 1 too little, below 1 too much is written. */
export const attributeDemand = open({ name: z.string(), value: z.string(), demand: z.number().nonnegative() });

/** Named qualities of texts, such as their tone and topic, with the calls that found them: of a shared call, this plan's share. */
export const attributes = open({
  id: id(),
  values: z.record(z.string(), z.string()),
  calls: z.array(call),
  /** The plan whose call found them, where they are shared with it. */
  askedFor: id().optional(),
  /** By name, what the answer said where `values` has something else, or nothing: too much of it is written. */
  replaced: z.record(z.string(), z.string()).optional(),
});

/** One intended sample: everything that its draft depends on, so that drafting is a function of the plan alone. */
export const planSchema = record('plan', 1, 'plans', {
  id: id(),
  /** The partition whose plans, ledger and target belong together. */
  lane: z.int().nonnegative(),
  /** The place in plan order within the lane, from 0, without gaps. */
  ordinal: z.int().nonnegative(),
  method: z.enum(['bare', 'synalign']),
  label: z.string().optional(),
  vary: z.record(z.string(), z.string()),
  /** Who the writer is to be. */
  persona: z.string().optional(),
  /** What the text is to be grounded in. */
  document: open({ id: id(), title: z.string().optional(), text: z.string() }).optional(),
  /** The text that stands in place of a draft, written elsewhere. */
  given: open({ id: id(), fields }).optional(),
  /** Plans that are written together have consecutive ordinals: the group's number, from 0, and this one's place, from 0. */
  group: open({ number: z.int().nonnegative(), place: z.int().nonnegative(), size: z.int().min(1) }).optional(),
  examples: z.array(example),
  /** Seeds that show what a text looks like where `attributes` stand in the place of the examples. */
  formats: z.array(example).optional(),
  /** The part of the real distribution that it explores: the record in its middle, how unexplored that was, how much was missing. */
  region: open({ exemplar: id(), variance: z.number(), demand: z.number() }).optional(),
  /** Values of attributes that corrections ask for, or ask to leave out. */
  attributeDemand: z.array(attributeDemand).optional(),
  /** What a text of that part is like, as a model found in the examples: shown in their place. */
  attributes: attributes.optional(),
  /** The place on the real stream of the last record that the planner had explored; what comes behind it came later. */
  reals: z.int().optional(),
  /** How many seeds the planner had absorbed: the gate compares with exactly these. */
  seedCount: z.int().nonnegative(),
  /** The random seed of the first model call; later attempts derive theirs from it. */
  randomSeed: z.int().nonnegative(),
  plannedAt: instant(),
});

export type Plan = RecordOf<typeof planSchema>;
export type Example = Readonly<z.infer<typeof example>>;
export type AttributeDemand = Readonly<z.infer<typeof attributeDemand>>;
export type Attributes = Readonly<z.infer<typeof attributes>>;
