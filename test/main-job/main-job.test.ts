import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { beforeAll, describe, expect, it } from 'vitest';

import { type AnyRecord, decode, type Kind, type RecordOfKind } from '../../schemas/codec.js';
import type { ManifestEntry } from '../../schemas/shard.js';
import { readDataFolder } from '../../streams/data-folder.js';
import { openLog } from '../../streams/log/open-log.js';
import { readManifest } from '../../streams/shards/manifest-file.js';
import { verifyShards } from '../../streams/shards/verify.js';
import { readAll } from '../../streams/stage/read-all.js';
import type { Topics } from '../../streams/topics.js';

/** What `npm start` left in this folder. */
const data = resolve('.headwater');
const out = resolve('out');

interface Row {
  readonly id: string;
  readonly subject: string;
  readonly body: string;
  readonly label: string;
  readonly weight: number;
  readonly embedding: readonly number[];
  readonly created_at: Date;
  readonly lineage: Readonly<Record<string, unknown>> & {
    readonly seed_ids: readonly string[];
    readonly plan_id: string;
    readonly draft_id: string;
    readonly models: readonly string[];
    readonly prompt_ids: readonly string[];
    readonly calls: readonly { readonly prompt: string }[];
  };
}

let shards: ManifestEntry[];
let rows: Row[];
let records: Readonly<Record<'seed' | 'plan' | 'draft' | 'sample', ReadonlyMap<string, AnyRecord>>>;

beforeAll(async () => {
  if (!existsSync(data) || !existsSync(join(out, 'manifest.jsonl'))) {
    throw new Error('there is no run to look at: run `npm start` in this folder first');
  }
  shards = [];
  for await (const entry of readManifest(out)) shards.push(entry);
  rows = [];
  for (const { path } of shards) {
    const file = await asyncBufferFromFile(join(out, path));
    rows.push(...((await parquetReadObjects({ file, compressors })) as Row[]));
  }
  const topics = await openLog({ dir: (await readDataFolder(data)).topicsDir });
  records = {
    seed: await byId(topics, 'seeds', 'seed'),
    plan: await byId(topics, 'plans', 'plan'),
    draft: await byId(topics, 'drafts', 'draft'),
    sample: await byId(topics, 'samples', 'sample'),
  };
  await topics.close();
});

async function byId<K extends Kind>(
  topics: Topics,
  topic: string,
  kind: K,
): Promise<ReadonlyMap<string, RecordOfKind<K>>> {
  const isKind = (record: AnyRecord): record is RecordOfKind<K> => record.kind === kind;
  const found = new Map<string, RecordOfKind<K>>();
  for await (const { value, headers } of readAll(topics, topic, 0)) {
    if (value === null) continue;
    const record = decode(value, headers);
    if (isKind(record)) found.set(record.id, record);
  }
  return found;
}

describe('the run of npm start', () => {
  it('has at least 24 accepted samples, each once', () => {
    expect(rows.length).toBeGreaterThanOrEqual(24);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(rows.map(({ id }) => id)).toEqual([...records.sample.keys()]);
  });

  it('has files that are as the manifest says', async () => {
    expect((await verifyShards(out)).findings).toEqual([]);
  });

  it('fills every column', () => {
    for (const row of rows) {
      expect(row.subject.length).toBeGreaterThan(0);
      expect(row.body.length).toBeGreaterThanOrEqual(40);
      expect(['ham', 'spam']).toContain(row.label);
      expect(row.weight).toBe(1);
      expect(row.embedding).toHaveLength(256);
      expect(Math.hypot(...row.embedding)).toBeCloseTo(1, 5);
      expect(row.created_at.getTime()).toBeGreaterThan(Date.UTC(2026, 0));
    }
  });

  it('leads from every sample to its draft, its plan and its seeds', () => {
    for (const { lineage } of rows) {
      const draft = records.draft.get(lineage.draft_id) as RecordOfKind<'draft'> | undefined;
      expect(draft?.plan.id).toBe(lineage.plan_id);
      expect(records.plan.has(lineage.plan_id)).toBe(true);
      expect(lineage.seed_ids).toHaveLength(3);
      for (const id of lineage.seed_ids) expect(records.seed.has(id)).toBe(true);
      expect(lineage.models[0]).toBe('llama/gemma-3-270m');
      expect(lineage.models).toContain('llama/smollm2-135m-instruct');
      expect(lineage.prompt_ids).toEqual(['bare.draft/1/blocks/1', 'bare.copy-edit/1/blocks/1']);
      expect(new Set(lineage.calls.map(({ prompt }) => prompt))).toEqual(new Set(lineage.prompt_ids));
    }
  });
});
