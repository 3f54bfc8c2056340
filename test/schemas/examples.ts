import type { AnyRecord, Kind, RecordOfKind } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import {
  callRecord,
  ledgerRecord,
  planRecord,
  refinedRecord,
  seedRecord,
  tickRecord,
} from '../operators/flow/records.js';
import { sampleAt } from '../streams/shards/samples.js';

const origin = { file: 'river.jsonl', line: 3 };
const fields = { question: 'How wide is it?', answer: '😀 It is 3.' };

/** A valid record of each kind, with every optional property. */
export const examples: { readonly [K in Kind]: RecordOfKind<K> } = {
  seed: { ...seedRecord(1), label: 'money', vary: { tone: 'dry' } },
  real: { kind: 'real', id: recordId('real', 1), fields, label: 'money', origin },
  document: { kind: 'document', id: recordId('document', 1), text: 'The river rose.', title: 'River', origin },
  plan: planRecord(1, { label: 'money', vary: { tone: 'dry' } }),
  draft: { kind: 'draft', id: recordId('draft', 1), plan: planRecord(1), fields, calls: [callRecord(1)] },
  refined: { ...refinedRecord(1), kept: 'draft', keptBecause: 'too-short' },
  sample: sampleAt(2),
  correction: {
    kind: 'correction',
    id: recordId('correction', 1),
    lane: 0,
    accepted: 64,
    mmd2: -0.001,
    bandwidth: 0.8,
    frequencies: 512,
    embedder: 'static/test',
    synthetic: { size: 32, firstOrdinal: 32, lastOrdinal: 63 },
    real: { size: 32, seen: 100 },
    at: 1000,
  },
  shard: {
    kind: 'shard',
    id: recordId('shard', 1),
    lane: 0,
    path: 'lane-0/0-9.parquet',
    format: 'parquet',
    encoder: 'columnar',
    rows: 10,
    bytes: 1000,
    sha256: 'a'.repeat(64),
    schemaId: 'headwater.row/0123456789abcdef',
    offsets: [{ topic: 'samples', partition: 0, first: 0, last: 9 }],
    closedBy: 'rows',
    statistics: { labels: { money: 10 }, meanCosine: 0.1, mmd2: null },
    lineage: { models: ['test'], promptIds: ['bare.draft/1'], promptTokens: 1, completionTokens: 1, cost: null },
    createdAt: 1000,
  },
  'ledger-entry': ledgerRecord(1),
  'dead-letter': {
    kind: 'dead-letter',
    id: recordId('dead-letter', 1),
    stage: 'draft',
    code: 'record-invalid',
    message: 'it is wrong',
    origin: { topic: 'plans', partition: 0, offset: 4 },
    key: null,
    headers: { schema: 'headwater.plan/1' },
    value: '{}',
    encoding: 'utf8',
    cut: false,
    at: 1000,
  },
  tick: tickRecord('target', 100),
};

export const records: readonly AnyRecord[] = Object.values(examples);
