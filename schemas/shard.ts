import { z } from 'zod';

import { id, instant, open, type RecordOf, record } from './record.js';

const properties = {
  id: id(),
  lane: z.int().nonnegative(),
  /** Relative to the shard folder, with forward slashes. */
  path: z.string(),
  format: z.enum(['parquet', 'arrow']),
  encoder: z.string(),
  rows: z.int(),
  bytes: z.int(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of the rows: changes when a column does. */
  schemaId: z.string(),
  /** The samples inside: first and last offset of each source partition, both included. */
  offsets: z.array(open({ topic: z.string(), partition: z.int(), first: z.int(), last: z.int() })),
  /** Why it was closed. */
  closedBy: z.enum(['rows', 'bytes', 'tick', 'complete', 'drain']),
  statistics: open({
    /** Rows by label. */
    labels: z.record(z.string(), z.int()),
    /** Mean cosine of all pairs of rows; null without embeddings or with one row. */
    meanCosine: z.number().nullable(),
    /** The newest rolling MMD when the shard was closed; null where there was none. */
    mmd2: z.number().nullable(),
  }),
  lineage: open({
    models: z.array(z.string()),
    promptIds: z.array(z.string()),
    promptTokens: z.int(),
    completionTokens: z.int(),
    cost: z.number().nullable(),
  }),
  createdAt: instant(),
};

/** One immutable file of samples. */
export const shardSchema = record('shard', 1, 'shards', properties);

/** A line of the manifest: a shard with its place in the gap-free order of all shards. */
export const manifestEntrySchema = record('manifest-entry', 1, 'manifest', {
  ...properties,
  seq: z.int().nonnegative(),
});

export type Shard = RecordOf<typeof shardSchema>;
export type ManifestEntry = RecordOf<typeof manifestEntrySchema>;
