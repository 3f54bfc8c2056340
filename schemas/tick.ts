import { z } from 'zod';

import { id, instant, type RecordOf, record } from './record.js';

/** Something that the clock or the operator of a pipeline says, put on the log so that a replay sees it at the same place. */
export const tickSchema = record('tick', 1, 'ticks', {
  id: id(),
  lane: z.int().nonnegative(),
  /**
   * `target`: the lane's accepted samples shall be `total` (on `seeds`, after the seeds that came with it);
   * `complete`: the lane has them all (on `ticks`, then on `shards`, behind the shard of the last one); `interval`: time has
   * passed (on `ticks`); `loaded`: an input's files were read to their end (on the input's topic, in every lane, behind its records).
   */
  reason: z.enum(['target', 'complete', 'interval', 'loaded']),
  /** Accepted samples of the lane, for `target` and `complete`; null means endless. For `loaded`: the input's records in all lanes. */
  total: z.int().nullable(),
  /** For `loaded`: which input. */
  input: z.enum(['real', 'documents', 'drafts']).optional(),
  /** For `target`: how many of the total shall have which label, where the domain has labels. */
  labels: z.record(z.string(), z.int()).optional(),
  at: instant(),
});

export type Tick = RecordOf<typeof tickSchema>;
