import { lastValueFrom, mergeMap, range, reduce } from 'rxjs';
import { Pool } from 'undici';

import { openai } from '../engines/openai/openai.js';
import type { CompletionRequest } from '../operators/language-model.js';
import { spawnFakeEndpoint } from '../test/fake-endpoint/child.js';
import { type Cost, costLine, median, printMachine, stopwatch, timed, verdict } from './report.js';
import thresholds from './thresholds/orchestration.json' with { type: 'json' };

// What a request to a model costs here beyond the wire: our engine against bare undici, 64 in flight, each answered after 50 ms.

const requests = Number(process.env['REQUESTS'] ?? 10_000);
const rounds = Number(process.env['ROUNDS'] ?? 5);
const inFlight = 64;
const latencyMs = 50;
const ideal = (inFlight * 1000) / latencyMs;
/** Words in an answer, each an event of its own, as servers stream tokens. */
const pieces = 64;

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
  const results: Record<keyof typeof rivals, Cost[]> = { engine: [], undici: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of ['engine', 'undici'] as const) {
      const first = 1000 + (2 * round + (name === 'engine' ? 0 : 1)) * requests;
      results[name].push(await measured(rivals[name], first, requests));
    }
  }
  report(results);
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

async function measured(rival: Rival, first: number, count: number): Promise<Cost> {
  return timed(count, async () => {
    const characters = await rival(first, count);
    if (characters < count) throw new Error('answers are missing');
  });
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
  const lap = stopwatch();
  for (let seed = 0; seed < times; seed += 1) once(seed);
  if (sum === 0) throw new Error('nothing was measured');
  return lap(times).cpuMsPerThousand / 1000;
}

function report(results: Record<'engine' | 'undici', readonly Cost[]>): void {
  const json = jsonCpuMs();
  const rssMiB = process.memoryUsage.rss() / 2 ** 20;
  printMachine(['undici']);
  console.log(`${requests} requests x ${rounds} rounds, ${inFlight} in flight, ${latencyMs} ms each, ideal ${ideal}/s`);
  for (const [name, costs] of Object.entries(results)) console.log(costLine(name, costs, 'requests'));
  const cpuMs = (costs: readonly Cost[]) => median(costs.map(({ cpuMsPerThousand }) => cpuMsPerThousand)) / 1000;
  const beyondUndici = cpuMs(results.engine) - cpuMs(results.undici);
  console.log(`CPU-ms a request: JSON ${json.toFixed(3)}, engine - undici ${beyondUndici.toFixed(3)}`);
  verdict(thresholds, {
    shareOfIdeal: median(results.engine.map(({ perSecond }) => perSecond)) / ideal,
    cpuMsPerRequestBeyondJson: cpuMs(results.engine) - json,
    rssMiB,
  });
}
