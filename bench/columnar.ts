import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { domain } from '../schemas/domain.js';
import { recordId } from '../schemas/ids.js';
import type { Sample } from '../schemas/sample.js';
import { sampleBatch } from '../streams/shards/sample-batch.js';
import { type ShardFormat, ShardWriter } from '../streams/shards/shard-writer.js';
import thresholds from './thresholds/columnar.json' with { type: 'json' };

/**
 * How fast samples become durable shards, and whether memory stays flat over many of them.
 *
 * `node dist/bench/columnar.js [--rows N] [--repeats R] [--stream N]`: N rows a repeat, and N rows in the memory run.
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
  console.log(`apache-arrow ${pinned('apache-arrow')}, parquet-wasm ${pinned('parquet-wasm')}`);
  console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`);
  const fast = await compareRivals(Number(options.rows), Number(options.repeats));
  const flat = await streamRows(Number(options.stream));
  process.exitCode = fast && flat ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** The version of a dependency, by the package.json of the folder that this runs in. */
function pinned(name: string): string {
  return JSON.parse(readFileSync('package.json', 'utf8')).dependencies[name];
}

/** Runs all rivals in turn, again and again, after a pass to warm up; whether the headline is fast enough. */
async function compareRivals(rows: number, repeats: number): Promise<boolean> {
  const pool = Array.from({ length: shardRows }, (_, index) => sample(index));
  const runs = new Map(rivals.map((rival) => [rival, [] as Run[]]));
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    for (const [rival, its] of runs) {
      const run = await measure(rival, pool, repeat === 0 ? shardRows * 2 : rows);
      if (repeat > 0) its.push(run);
    }
  }
  for (const [rival, its] of runs) console.log(report(rival, its));
  const speed = median((runs.get(headline) ?? []).map((run) => run.rowsPerSecond));
  return verdict(`${Math.round(speed)} rows/s, asked ${thresholds.rowsPerSecond}`, speed >= thresholds.rowsPerSecond);
}

interface Run {
  readonly rowsPerSecond: number;
  readonly cpuMicroseconds: number;
  readonly rawBytes: number;
  readonly fileBytes: number;
}

async function measure(rival: Rival, pool: readonly Sample[], rows: number): Promise<Run> {
  const batch = sampleBatch(questions, rival.dimensions);
  const cpu = process.cpuUsage();
  const start = performance.now();
  let rawBytes = 0;
  let fileBytes = 0;
  for (let done = 0; done < rows; done += pool.length) {
    const shard = await writeShard(rival, batch, pool);
    rawBytes += shard.raw;
    fileBytes += shard.bytes;
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    rowsPerSecond: rows / seconds,
    cpuMicroseconds: (user + system) / rows,
    rawBytes: rawBytes / rows,
    fileBytes: fileBytes / rows,
  };
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
  const of = (read: (run: Run) => number) => runs.map(read);
  const speed = of((run) => run.rowsPerSecond);
  return [
    rival.name.padEnd(20),
    `rows/s median ${Math.round(median(speed))} [${Math.round(Math.min(...speed))}, ${Math.round(Math.max(...speed))}]`,
    `cpu ${median(of((run) => run.cpuMicroseconds)).toFixed(1)} us/row`,
    `${Math.round(median(of((run) => run.rawBytes)))} bytes a row in memory`,
    `${Math.round(median(of((run) => run.fileBytes)))} in the file`,
  ].join('  ');
}

/** Writes shard after shard and samples the resident memory; whether the last tenth needs as much as the second. */
async function streamRows(rows: number): Promise<boolean> {
  const pool = Array.from({ length: shardRows }, (_, index) => sample(index));
  const batch = sampleBatch(questions, headline.dimensions);
  const resident: number[] = [];
  for (let done = 0; done < rows; done += shardRows) {
    await writeShard(headline, batch, pool);
    resident.push(process.memoryUsage.rss() / 2 ** 20);
  }
  const tenth = Math.max(1, Math.floor(resident.length / 10));
  const early = Math.max(...resident.slice(tenth, 2 * tenth));
  const late = Math.max(...resident.slice(-tenth));
  const growth = late - early;
  return verdict(
    `resident memory over ${rows} rows: ${early.toFixed(0)} MiB early, ${late.toFixed(0)} late, asked at most +${thresholds.residentGrowthMiB}`,
    growth <= thresholds.residentGrowthMiB,
  );
}

function verdict(text: string, passed: boolean): boolean {
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${text}`);
  return passed;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
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
