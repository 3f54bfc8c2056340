import { lastValueFrom, mergeMap, range, reduce } from 'rxjs';
import { Pool } from 'undici';

import { type EndpointView, type OpenaiOptions, openai } from '../../engines/openai/openai.js';
import type { CompletionRequest } from '../../operators/language-model.js';
import { residentMiB, timed } from '../report.js';

// One rival in a process of its own: warms up, asks, and sends what it cost to its parent.

/** What a client is told to do. */
export interface Errand {
  readonly rival: 'engine' | 'undici';
  /** The base of the API. */
  readonly url: string;
  readonly inFlight: number;
  readonly warmUp: number;
  readonly requests: number;
  /** The seed of the first request. */
  readonly first: number;
  readonly options?: Partial<OpenaiOptions>;
}

/** What it cost, and how the engine's endpoints were at the end. */
export interface Report {
  readonly answered: number;
  readonly perSecond: number;
  readonly cpuMsPerRequest: number;
  readonly residentMiB: number;
  readonly hedged: number;
  readonly endpoints: readonly EndpointView[];
}

interface Rival {
  ask(seed: number): Promise<string>;
  endpoints(): readonly EndpointView[];
  hedged(): number;
  close(): Promise<void>;
}

const example =
  'EXAMPLE START\nSubject: The river rises\nBody: It rained for a week, and then it rained again.\nEXAMPLE END\n\n';
const prompt = `${example.repeat(12)}EXAMPLE START\nSubject:`;

const errand: Errand = JSON.parse(process.argv[2] ?? '{}');
const rival = errand.rival === 'engine' ? engine(errand) : undici(errand);
await answers(errand.first + errand.requests, errand.warmUp);
let answered = 0;
const cost = await timed(errand.requests, async () => {
  answered = await answers(errand.first, errand.requests);
});
const report: Report = {
  answered,
  perSecond: cost.perSecond,
  cpuMsPerRequest: cost.cpuMsPerThousand / 1000,
  residentMiB: residentMiB(),
  hedged: rival.hedged(),
  endpoints: rival.endpoints(),
};
process.stdout.write(`${JSON.stringify(report)}\n`);
await rival.close();

/** As operators do it: a stream of records, so many of them open at once. Counts the answers that are not empty. */
function answers(first: number, count: number): Promise<number> {
  return lastValueFrom(
    range(first, count).pipe(
      mergeMap((seed) => rival.ask(seed), errand.inFlight),
      reduce((sum, text) => sum + (text === '' ? 0 : 1), 0),
    ),
    { defaultValue: 0 },
  );
}

function requestOf(seed: number): CompletionRequest {
  return { prompt, temperature: 0.7, maxTokens: 400, seed, stop: ['EXAMPLE'] };
}

function engine({ url, inFlight, options }: Errand): Rival {
  const model = openai({ url, model: 'fake', maxInFlight: inFlight, ...options });
  return {
    ask: async (seed) => (await model.complete(requestOf(seed))).text,
    endpoints: () => model.endpoints(),
    hedged: () => model.hedged(),
    close: () => model.close(),
  };
}

function undici({ url, inFlight }: Errand): Rival {
  const pool = new Pool(new URL(url).origin, { connections: inFlight, pipelining: 1 });
  const headers = { 'content-type': 'application/json' };
  return {
    ask: async (seed) => {
      const { maxTokens, ...rest } = requestOf(seed);
      const streaming = { stream: true, stream_options: { include_usage: true } };
      const body = JSON.stringify({ model: 'fake', ...rest, max_tokens: maxTokens, ...streaming });
      const response = await pool.request({ method: 'POST', path: '/v1/completions', headers, body });
      return response.body.text();
    },
    endpoints: () => [],
    hedged: () => 0,
    close: () => pool.destroy(),
  };
}
