import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { decode, type Kind, type RecordOfKind } from '../../../schemas/codec.js';
import type { ManifestEntry } from '../../../schemas/shard.js';
import { openKafka } from '../../../streams/kafka/open-kafka.js';
import type { Topics } from '../../../streams/topics.js';
import type { TestBroker } from '../../kafka/broker.js';
import { parquetRows } from '../../streams/shards/read-back.js';
import type { Scene } from '../scene.js';

/** What a long run has left, by lane: as much as fits in memory. */
export interface LongRun {
  readonly plans: readonly (readonly string[])[];
  readonly samples: readonly (readonly string[])[];
  readonly ledger: readonly (readonly { readonly planId: string; readonly subject: string | null }[])[];
  /** Ids of the rows of the shards that the manifest lists, in its order. */
  readonly rows: readonly (readonly string[])[];
  readonly strays: readonly string[];
}

/** What is there too often, and what is missing. */
export interface Losses {
  readonly records: number;
  readonly samples: number;
  readonly lost: number;
  readonly twice: number;
}

/** Reads what is committed, piece by piece, from a process that is none of the workers. */
export async function readLongRun({ prefix, out, lanes }: Scene, broker: TestBroker): Promise<LongRun> {
  const topics = await openKafka({ brokers: broker.adminBrokers, prefix, clientId: 'reader' });
  try {
    const { rows, strays } = await readRows(out, lanes);
    return {
      plans: await each(topics, lanes, 'plans', 'plan', ({ id }) => id),
      samples: await each(topics, lanes, 'samples', 'sample', ({ id }) => id),
      ledger: await each(topics, lanes, 'ledger', 'ledger-entry', ({ planId, outcome, subject }) => ({
        planId,
        subject: outcome === 'accepted' ? subject : null,
      })),
      rows,
      strays,
    };
  } finally {
    await topics.close();
  }
}

/** Every plan has one entry in the ledger, every accepted one its sample, and every sample its row, all in the same order. */
export function lossesOf({ plans, samples, ledger, rows }: LongRun): Losses {
  let lost = 0;
  let twice = 0;
  const compare = (expected: readonly string[], found: readonly string[]) => {
    const [wanted, there] = [new Set(expected), new Set(found)];
    twice += found.length - there.size;
    lost += [...wanted].filter((id) => !there.has(id)).length;
    twice += [...there].filter((id) => !wanted.has(id)).length;
  };
  for (const [lane, issued] of plans.entries()) {
    const entries = ledger[lane] ?? [];
    const made = samples[lane] ?? [];
    compare(issued, [...new Set(issued)]);
    compare(
      issued,
      entries.map(({ planId }) => planId),
    );
    compare(
      entries.flatMap(({ subject }) => subject ?? []),
      made,
    );
    compare(made, rows[lane] ?? []);
    expect(rows[lane], `rows of lane ${lane} in order`).toEqual(made);
  }
  const count = (lists: readonly (readonly unknown[])[]) => lists.reduce((sum, list) => sum + list.length, 0);
  return { records: count(plans), samples: count(samples), lost, twice };
}

async function each<K extends Kind, Kept>(
  topics: Topics,
  lanes: number,
  topic: string,
  kind: K,
  keep: (record: RecordOfKind<K>) => Kept,
): Promise<Kept[][]> {
  const isWanted = (record: { readonly kind: string }): record is RecordOfKind<K> => record.kind === kind;
  const kept: Kept[][] = [];
  for (let lane = 0; lane < lanes; lane++) {
    const held: Kept[] = [];
    for (let next = 0; ; ) {
      const batch = await topics.read(topic, lane, next, { maxRecords: 5000, maxBytes: 2 ** 24 });
      for (const { value, headers, offset } of batch) {
        next = offset + 1;
        const record = decode(value ?? new Uint8Array(), headers);
        if (isWanted(record)) held.push(keep(record));
      }
      if (batch.length === 0) break;
    }
    kept.push(held);
  }
  return kept;
}

async function readRows(out: string, lanes: number): Promise<Pick<LongRun, 'rows' | 'strays'>> {
  const rows: string[][] = Array.from({ length: lanes }, () => []);
  const names = new Set(await readdir(out));
  names.delete('manifest.jsonl');
  const lines = (await readFile(join(out, 'manifest.jsonl'), 'utf8')).split('\n').slice(0, -1);
  for (const [seq, line] of lines.entries()) {
    const entry: ManifestEntry = JSON.parse(line);
    expect(entry.seq, 'lines of the manifest').toBe(seq);
    for (const row of await parquetRows(join(out, entry.path))) {
      if (typeof row === 'object' && row !== null && 'id' in row) rows[entry.lane]?.push(String(row.id));
    }
    names.delete(entry.path);
  }
  return { rows, strays: [...names] };
}
