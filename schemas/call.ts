import { z } from 'zod';

import { instant, open } from './record.js';

/** One answered model call: who answered, to which prompt version, how it was sampled, what it cost and how long it took. */
export const call = open({
  role: z.enum(['base', 'instruct', 'judge']),
  /** Engine and model, such as `llama/gemma-3-270m`. */
  model: z.string(),
  /** The layout and version of the prompt, such as `bare.draft/1`. */
  prompt: z.string(),
  temperature: z.number(),
  randomSeed: z.int(),
  promptTokens: z.int32(),
  completionTokens: z.int32(),
  /** In US dollars; null where the price is not known. Of a reused answer: what had been paid for it. */
  cost: z.number().nullable(),
  finishReason: z.string(),
  startedAt: instant(),
  milliseconds: z.number(),
  /** Set where the answer had been paid for before: nothing was asked. */
  reused: z.boolean().optional(),
});

export type Call = Readonly<z.infer<typeof call>>;
