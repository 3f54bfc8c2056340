import { z } from 'zod';

import { origin } from './example.js';
import { id, instant, type RecordOf, record } from './record.js';

/** A record that could not be processed, with all that is needed to put it back. */
export const deadLetterSchema = record('dead-letter', 1, 'dead-letters', {
  id: id(),
  stage: z.string(),
  code: z.string(),
  message: z.string(),
  origin,
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  /** The record's bytes: as text where they are UTF-8, else as base64; cut at the limit, with `cut` set. */
  value: z.string(),
  encoding: z.enum(['utf8', 'base64']),
  cut: z.boolean(),
  at: instant(),
});

export type DeadLetter = RecordOf<typeof deadLetterSchema>;
