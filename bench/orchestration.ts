import { readFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { lastValueFrom, mergeMap, range, reduce } from 'rxjs';
import { Pool } from 'undici';

import { openai } from '../engines/openai/openai.js';
import type { CompletionRequest } from '../operators/language-model.js';
import { spawnFakeEndpoint } from '../test/fake-endpoint/child.js';

// What a request to a model costs here beyond the wire: our engine against bare undici, 64 in flight, each answered after 50 ms.

const requests = Number(process.env['REQUESTS'] ?? 10_000);
const rounds = Number(process.env['ROUNDS'] ?? 5);
const inFlight = 64;
const latencyMs = 50;
const ideal = (inFlight * 1000) / latencyMs;
/** Words in an answer, each an event of its own, as servers stream tokens. */
const pieces = 64;

interface Measured {
  readonly perSecond: number;
  readonly cpuMs: number;
}

type Rival = (first: number, count: number) => Promise<number>;

const endpoint = await spawnFakeEndpoint({ latencyMs, pieces });
const url = new URL(endpoint.url);
const model = openai({ url: endpoint.url, model: 'fake', maxInFlight: inFlight });
const pool = new Pool(url.origin, { connections: inFlight, pipelining: 1 });
const exampleAnswer = await rawAnswer(0);

const rivals: Readonly<Record<'engine' | 'undici', Rival>> = {
  engine: (first, count) =>
    inFlightSum(first, count, async (seed) => (await model.complete(request(seed))).text.length),
  undici: (first, count) => inFlightSum(first, count, async (seed) => (await rawAnswer(seed)).length),
};

try {
  await rivals.engine(1, 500);
  await rivals.undici(501, 500);
  const results: Record<keyof typeof rivals, Measured[]> = { engine: [], undici: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of ['engine', 'undici'] as const) {
      const first = 1000 + (2 * round + (name === 'engine' ? 0 : 1)) * requests;
      results[name].push(await measured(rivals[name], first, requests));
    }
  }
  await report(results);
} finally {
  await model.close();
  await pool.destroy();
  await endpoint.close();
}

function request(seed: number): CompletionRequest {
  const example =
    'EXAMPLE START\nSubject: The river rises\nBody: It rained for a week, and then it rained again.\nEXAMPLE END\n\n';
  return {
    prompt: `${example.repeat(12)}EXAMPLE START\nSubject:`,
    temperature: 0.7,
    maxTokens: 400,
    seed,
    stop: ['EXAMPLE'],
  };
}

function requestJson(seed: number): string {
  const { prompt, temperature, maxTokens, stop } = request(seed);
  const streaming = { stream: true, stream_options: { include_usage: true } };
  return JSON.stringify({ model: 'fake', prompt, temperature, max_tokens: maxTokens, seed, stop, ...streaming });
}

async function rawAnswer(seed: number): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const { body } = await pool.request({ method: 'POST', path: '/v1/completions', headers, body: requestJson(seed) });
  return body.text();
}

/** As operators do it: a stream of records, so many of them open at once. */
function inFlightSum(first: number, count: number, ask: (seed: number) => Promise<number>): Promise<number> {
  return lastValueFrom(
    range(first, count).pipe(
      mergeMap(ask, inFlight),
      reduce((sum, length) => sum + length, 0),
    ),
  );
}

async function measured(rival: Rival, first: number, count: number): Promise<Measured> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const characters = await rival(first, count);
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  if (characters < count) throw new Error('answers are missing');
  return { perSecond: (1000 * count) / ms, cpuMs: (user + system) / 1000 / count };
}

/** CPU-ms for the JSON of one request and its answer's events, which no client can do without. */
function jsonCpuMs(): number {
  const events = exampleAnswer.split('\n\n').flatMap((event) => (event.startsWith('data: {') ? [event.slice(6)] : []));
  const times = 3000;
  let sum = 0;
  const once = (seed: number) => {
    sum += requestJson(seed).length;
    for (const event of events) sum += Object.keys(JSON.parse(event)).length;
  };
  for (let seed = 0; seed < times; seed += 1) once(seed);
  const cpu = process.cpuUsage();
  for (let seed = 0; seed < times; seed += 1) once(seed);
  const { user, system } = process.cpuUsage(cpu);
  if (sum === 0) throw new Error('nothing was measured');
  return (user + system) / 1000 / times;
}

async function report(results: Record<'engine' | 'undici', readonly Measured[]>): Promise<void> {
  const json = jsonCpuMs();
  const rssMiB = process.memoryUsage.rss() / 2 ** 20;
  const cpuModel = cpus()[0]?.model ?? 'unknown CPU';
  console.log(`node ${process.version}, ${cpus().length} x ${cpuModel}, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(
    `${requests} requests x ${rounds} rounds, ${inFlight} in flight, ${latencyMs} ms each, ideal ${ideal}/s, ${pieces} events an answer\n`,
  );
  for (const [name, all] of Object.entries(results)) {
    const speed = all.map(({ perSecond }) => perSecond);
    const cpu = all.map(({ cpuMs }) => cpuMs);
    const share = `${((100 * median(speed)) / ideal).toFixed(1)} % of ideal`;
    console.log(
      `${name.padEnd(8)} ${median(speed).toFixed(0)} req/s (best ${Math.max(...speed).toFixed(0)}), ${share}`,
    );
    console.log(`${''.padEnd(8)} ${median(cpu).toFixed(3)} CPU-ms a request (least ${Math.min(...cpu).toFixed(3)})`);
  }
  const cpuMs = median(results.engine.map((one) => one.cpuMs));
  const found: Readonly<Record<string, number>> = {
    shareOfIdeal: median(results.engine.map(({ perSecond }) => perSecond)) / ideal,
    cpuMsPerRequestBeyondJson: cpuMs - json,
    rssMiB,
  };
  console.log(`JSON     ${json.toFixed(3)} CPU-ms a request`);
  console.log(
    `engine - undici ${(cpuMs - median(results.undici.map((one) => one.cpuMs))).toFixed(3)} CPU-ms a request`,
  );
  const thresholds: Record<string, { readonly least?: number; readonly most?: number }> = JSON.parse(
    await readFile(resolve('bench/thresholds/orchestration.json'), 'utf8'),
  );
  console.log('');
  for (const [name, { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }] of Object.entries(
    thresholds,
  )) {
    const value = found[name] ?? Number.NaN;
    const kept = value >= least && value <= most;
    if (!kept) process.exitCode = 1;
    console.log(
      `${kept ? 'kept  ' : 'MISSED'} ${name} ${value.toFixed(3)} (${least > 0 ? `at least ${least}` : `at most ${most}`})`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}
