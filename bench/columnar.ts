import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { domain } from '../schemas/domain.js';
import { recordId } from '../schemas/ids.js';
import type { Sample } from '../schemas/sample.js';
import { sampleBatch } from '../streams/shards/sample-batch.js';
import { type ShardFormat, ShardWriter } from '../streams/shards/shard-writer.js';
import { type Cost, costLine, growthOf, median, printMachine, residentMiB, timed, verdict } from './report.js';
import thresholds from './thresholds/columnar.json' with { type: 'json' };

/**
 * How fast samples become durable shards, and whether memory stays flat over many of them.
 *
 * `npm run bench -- columnar [--rows N] [--repeats R] [--stream N]`: N rows a repeat, and N rows in the memory run.
 * Exits with 1 where zstd Parquet is slower, or memory grows more, than `bench/thresholds/columnar.json` says.
 */

const shardRows = 5000;
const questions = domain.parse({ about: 'word problems', fields: { question: {}, answer: {} } });
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '40000' },
    repeats: { type: 'string', default: '5' },
    stream: { type: 'string', default: '1000000' },
  },
});
const dir = mkdtempSync(join(tmpdir(), 'headwater-columnar-'));

interface Rival {
  readonly name: string;
  readonly format: ShardFormat;
  readonly dimensions: number | null;
}

const headline: Rival = { name: 'parquet zstd', format: { format: 'parquet', compression: 'zstd' }, dimensions: null };
const rivals: readonly Rival[] = [
  headline,
  { name: 'parquet snappy', format: { format: 'parquet', compression: 'snappy' }, dimensions: null },
  { name: 'parquet none', format: { format: 'parquet', compression: 'none' }, dimensions: null },
  { name: 'arrow', format: { format: 'arrow', compression: 'none' }, dimensions: null },
  { name: 'parquet zstd, 256-d', format: { format: 'parquet', compression: 'zstd' }, dimensions: 256 },
  { name: 'arrow, 256-d', format: { format: 'arrow', compression: 'none' }, dimensions: 256 },
];

try {
  printMachine(['apache-arrow', 'parquet-wasm']);
  const rowsPerSecond = await compareRivals(Number(options.rows), Number(options.repeats));
  const memoryMiB = await streamRows(Number(options.stream));
  verdict(thresholds, { rowsPerSecond, memoryGrowthMiB: growthOf(memoryMiB) });
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** Runs all rivals in turn, again and again, after a pass to warm up; rows a second of the headline. */
async function compareRivals(rows: number, repeats: number): Promise<number> {
  const pool = Array.from({ length: shardRows }, (_, index) => sample(index));
  const runs = new Map(rivals.map((rival) => [rival, [] as Run[]]));
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    for (const [rival, its] of runs) {
      const run = await measure(rival, pool, repeat === 0 ? shardRows * 2 : rows);
      if (repeat > 0) its.push(run);
    }
  }
  for (const [rival, its] of runs) console.log(report(rival, its));
  return median((runs.get(headline) ?? []).map(({ cost }) => cost.perSecond));
}

interface Run {
  readonly cost: Cost;
  /** Bytes a row in memory. */
  readonly rawBytes: number;
  /** Bytes a row in the file. */
  readonly fileBytes: number;
}

async function measure(rival: Rival, pool: readonly Sample[], rows: number): Promise<Run> {
  const batch = sampleBatch(questions, rival.dimensions);
  let rawBytes = 0;
  let fileBytes = 0;
  const cost = await timed(rows, async () => {
    for (let done = 0; done < rows; done += pool.length) {
      const shard = await writeShard(rival, batch, pool);
      rawBytes += shard.raw;
      fileBytes += shard.bytes;
    }
  });
  return { cost, rawBytes: rawBytes / rows, fileBytes: fileBytes / rows };
}

async function writeShard(rival: Rival, batch: ReturnType<typeof sampleBatch>, pool: readonly Sample[]) {
  const writer = ShardWriter.create(dir, 'bench', batch, rival.format);
  for (const row of pool) {
    const written = writer.append(row);
    if (written !== undefined) await written;
  }
  const raw = writer.bytes;
  const file = await writer.finish('bench');
  return { raw, bytes: file.bytes };
}

function report(rival: Rival, runs: readonly Run[]): string {
  const cost = costLine(
    rival.name,
    runs.map((run) => run.cost),
    'rows',
  );
  const raw = Math.round(median(runs.map(({ rawBytes }) => rawBytes)));
  const file = Math.round(median(runs.map(({ fileBytes }) => fileBytes)));
  return `${cost}, ${raw} bytes a row in memory, ${file} in the file`;
}

/** Writes shard after shard; the resident memory after each, in MiB. */
async function streamRows(rows: number): Promise<readonly number[]> {
  const pool = Array.from({ length: shardRows }, (_, index) => sample(index));
  const batch = sampleBatch(questions, headline.dimensions);
  const memoryMiB: number[] = [];
  for (let done = 0; done < rows; done += shardRows) {
    await writeShard(headline, batch, pool);
    memoryMiB.push(residentMiB());
  }
  return memoryMiB;
}

/** A sample of about 1 KiB in memory without its embedding, and of 2 with it. */
function sample(ordinal: number): Sample {
  const random = generator(ordinal + 1);
  const call = (role: 'base' | 'instruct') => ({
    role,
    model: role === 'base' ? 'llama/gemma-3-270m' : 'llama/gemma-3-270m-it',
    prompt: `bare.${role}/1`,
    temperature: 0.7,
    randomSeed: Math.floor(random() * 2 ** 32),
    promptTokens: Math.floor(random() * 900),
    completionTokens: Math.floor(random() * 300),
    cost: null,
    finishReason: 'stop',
    startedAt: 1_790_000_000_000 + ordinal * 1000,
    milliseconds: random() * 4000,
  });
  return {
    kind: 'sample',
    id: recordId('sample', ordinal),
    lane: 0,
    ordinal,
    fields: { question: text(random, 190), answer: text(random, 260) },
    label: random() < 0.5 ? 'money' : 'time',
    weight: 1,
    embedding: unitVector(random, 256),
    lineage: {
      seedIds: [0, 1, 2].map(() => recordId('seed', Math.floor(random() * 100))),
      documentIds: [],
      realIds: [],
      planId: recordId('plan', ordinal),
      draftId: recordId('draft', ordinal),
      promptIds: ['bare.base/1', 'bare.instruct/1'],
      models: ['llama/gemma-3-270m', 'llama/gemma-3-270m-it'],
      promptTokens: 1200,
      completionTokens: 300,
      cost: null,
      calls: [call('base'), call('instruct')],
      attributes: [],
    },
    createdAt: 1_790_000_000_000 + ordinal * 1000,
  };
}

/** Words of random letters: text that compresses about as well as prose. */
function text(random: () => number, length: number): string {
  let written = '';
  while (written.length < length) {
    const word = generator(1 + Math.floor(random() ** 2 * 4000));
    for (let letters = 2 + Math.floor(word() * 7); letters > 0; letters -= 1) {
      written += String.fromCharCode(97 + Math.floor(word() * 26));
    }
    written += ' ';
  }
  return written.slice(0, length);
}

function unitVector(random: () => number, dimensions: number): Float32Array<ArrayBuffer> {
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

/** Uniform numbers in [0, 1) from a seed (xorshift32). */
function generator(seed: number): () => number {
  let state = seed * 0x9e3779b1 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
