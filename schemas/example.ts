import { z } from 'zod';

import { open } from './record.js';

/** The texts of a domain by field name, in the recipe's order. */
export const fields = z.record(z.string(), z.string());

/** Where an input record came from: a file and its line (from 1), or a position on a topic. */
export const origin = open({
  file: z.string().optional(),
  line: z.int().optional(),
  topic: z.string().optional(),
  partition: z.int().optional(),
  offset: z.int().optional(),
});

export type Fields = Readonly<z.infer<typeof fields>>;
export type Origin = Readonly<z.infer<typeof origin>>;
