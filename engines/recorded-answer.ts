import { z } from 'zod';

const tokenLogprob = z.object({ token: z.string(), logprob: z.number() });

/** A line of a file of recorded answers: the JSON of one answer, with the hash of what was asked of which model. */
export const recordedAnswer = z.object({
  /** The model's id, which is part of the hash. */
  model: z.string(),
  /** Whether grammars bound the answers of the model. */
  structured: z.boolean().default(false),
  request: z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits'),
  completion: z.object({
    text: z.string(),
    finishReason: z.enum(['stop', 'length']),
    usage: z.object({
      promptTokens: z.int().nonnegative(),
      completionTokens: z.int().nonnegative(),
      cachedPromptTokens: z.int().nonnegative().exactOptional(),
    }),
    model: z.string(),
    cost: z.number().nullable(),
    startedAt: z.number(),
    milliseconds: z.number(),
    attempts: z.int().positive(),
    logprobs: z
      .array(tokenLogprob.extend({ top: z.array(tokenLogprob).readonly().exactOptional() }))
      .readonly()
      .exactOptional(),
  }),
});

export type RecordedAnswer = Readonly<z.infer<typeof recordedAnswer>>;
