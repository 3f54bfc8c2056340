import { z } from 'zod';

/** Who writes a draft, and how it is asked. */
export const ways = ['base', 'few-shot', 'sequential', 'in-one', 'given'] as const;

/** How examples and answers are laid out as text; with `answer: json` they are JSON objects instead. */
export const layoutNames = ['blocks', 'sections', 'xml'] as const;

/** `tags`: text in the layout; `json`: an object with the domain's fields, bound by a schema where the engine can. */
const answer = z.enum(['tags', 'json']).default('tags');
const layout = z.enum(layoutNames).optional();

/** How drafts are written. */
export const draftStep = z.strictObject({
  /**
   * `base`: a base model continues the examples; `few-shot`: an instruct model is asked for one text; `sequential`: for one that
   * differs from those of its group so far; `in-one`: for a whole group at once; `given`: the input `drafts` is taken as it is.
   */
  way: z.enum(ways).default('base'),
  /** What a plan shows: seeds, or records of the real stream. */
  from: z.enum(['seeds', 'real']).default('seeds'),
  /** Examples that a plan shows. */
  examples: z.int().min(1).default(3),
  /** Texts that are written together, of the ways `sequential` and `in-one`. */
  group: z.int().min(1).max(100).default(10),
  /** Who an instruct model is told to be, drawn by the plan; `true`: a list of ours. */
  personas: z.union([z.literal(true), z.array(z.string().min(1).max(300)).min(1)]).optional(),
  /** @default by the family of the model */
  layout,
  answer,
  /** Over the model's own. */
  temperature: z.number().min(0).max(2).optional(),
  /** Model calls for one plan before it is dropped. */
  attempts: z.int().min(1).max(10).default(3),
});

export type Way = (typeof ways)[number];
export type LayoutName = (typeof layoutNames)[number];

/** How drafts are refined. */
export const refineStep = z.strictObject({
  /** `edit`: examples and the paper's instruction; `copy-edit`: no examples, a grammar, for tiny models. */
  style: z.enum(['edit', 'copy-edit']).optional(),
  /** Of the style `edit`. @default by the family of the model */
  layout,
  answer,
  /** Over the model's own. */
  temperature: z.number().min(0).max(2).optional(),
  attempts: z.int().min(1).max(10).default(2),
  /** The draft is kept where the edit's cosine to it is lower. */
  minCosine: z.number().min(-1).max(1).default(0.7),
  /** The draft is kept where the edit is shorter than this share of it. */
  minLengthRatio: z.number().min(0).max(1).default(0.6),
});
