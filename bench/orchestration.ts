import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { type ServerProcess, spawnFakeEndpoint, spawnServer } from '../test/fake-endpoint/child.js';
import type { FakeEndpointSettings } from '../test/fake-endpoint/fake-endpoint.mjs';
import type { Errand, Report } from './orchestration/client.js';
import { median, printMachine, verdict } from './report.js';
import thresholds from './thresholds/orchestration.json' with { type: 'json' };

/**
 * What asking a model costs beyond the wire, and what slow, faulty and overloaded servers cost: our engine, bare undici as floor.
 *
 * `npm run bench -- orchestration [--all] [--only NAME,...] [--requests N] [--rounds N] [--seconds N]`. Clients and endpoints,
 * which answer in 50 ms, run in processes of their own. `--all` is 10,000 requests (40,000 at 256 in flight), five rounds and a minute of
 * collapse, in about five minutes; without it, a minute and a half is enough to see what broke. Exits with 1 where a bound of
 * `bench/thresholds/orchestration.json` is missed.
 */

const { values: options } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    only: { type: 'string', default: 'plain64,plain256,slow,faults,collapse' },
    requests: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const requests = Number(options.requests ?? (options.all ? 10_000 : 4000));
const rounds = Number(options.rounds ?? (options.all ? 5 : 1));
const collapseSeconds = Number(options.seconds ?? (options.all ? 60 : 20));
const latencyMs = 50;
/** Events of an answer, which has about 150 characters. */
const pieces = 16;
const slowest = { share: 0.05, factor: 20 };

type Figures = Readonly<Record<string, number>>;
type Scenario = () => Promise<Figures>;

const scenarios: Readonly<Record<string, Scenario>> = {
  plain64: () => plain(64),
  plain256: () => plain(256),
  slow,
  faults,
  collapse,
};

const names = options.only.split(',');
const unknown = names.find((name) => !(name in scenarios));
if (unknown !== undefined)
  throw new Error(`--only: expected some of ${Object.keys(scenarios).join(', ')}, got ${unknown}`);

printMachine(['undici']);
console.log('| scenario | requests/s | of ideal | CPU-ms a request | memory |\n|---|---|---|---|---|');
const figures: Record<string, number> = {};
for (const [name, scenario] of Object.entries(scenarios)) {
  if (names.includes(name)) Object.assign(figures, await scenario());
}
const asked = Object.entries(thresholds).filter(([name]) => name in figures);
verdict(Object.fromEntries(asked), figures);

/** Ideal is when every place always waits for the endpoint, and for nothing else. */
async function plain(inFlight: number): Promise<Figures> {
  // As many for each place, so that the end, when places are empty, weighs as little.
  const many = (requests * inFlight) / 64;
  const reports: Record<Errand['rival'], Report[]> = { engine: [], undici: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const rival of ['engine', 'undici'] as const) {
      reports[rival].push(await run({ rival, inFlight, requests: many }, await quickEndpoint()));
    }
  }
  const ideal = (1000 * inFlight) / latencyMs;
  for (const rival of ['engine', 'undici'] as const) row(`${rival}, ${inFlight} in flight`, reports[rival], ideal);
  const engine = of(reports.engine);
  return {
    [`shareOfIdealAt${inFlight}`]: engine.perSecond / ideal,
    [`cpuMsBeyondUndiciAt${inFlight}`]: engine.cpuMsPerRequest - of(reports.undici).cpuMsPerRequest,
    [`residentMiBAt${inFlight}`]: engine.residentMiB,
  };
}

/** Ideal is the mean latency of such answers: a slow one keeps its own place, and no other. */
async function slow(): Promise<Figures> {
  const inFlight = 64;
  // Enough that the last ones, when places are empty and only slow answers are awaited, weigh little.
  const many = Math.max(requests, 10_000);
  const meanMs = latencyMs * (1 + slowest.share * (slowest.factor - 1));
  const ideal = (1000 * inFlight) / meanMs;
  const report = await run({ rival: 'engine', inFlight, requests: many }, await fakeEndpoint({ slowest }));
  row('engine, 5 % of answers 20 times slower', [report], ideal);
  return { lostToSlowAnswers: 1 - report.perSecond / ideal };
}

/** Ideal is as if there were no faults. */
async function faults(): Promise<Figures> {
  const inFlight = 64;
  const ideal = (1000 * inFlight) / latencyMs;
  const errand = { rival: 'engine', inFlight, requests: 10_000 } as const;
  const faults = [
    { kind: 'status', status: 429, share: 0.02 },
    { kind: 'status', status: 500, share: 0.01 },
    { kind: 'hang', share: 0.01 },
  ] as const;
  const report = await run(errand, await fakeEndpoint({ faults }));
  row('engine, 2 % 429, 1 % 500, 1 % hangs', [report], ideal);
  return { goodputWithFaults: report.perSecond / ideal, lostWithFaults: errand.requests - report.answered };
}

/** A server whose latency doubles above 32 open requests; how many are open is asked of the server itself. */
async function collapse(): Promise<Figures> {
  const above = 32;
  const endpoint = await fakeEndpoint({ collapse: { above } });
  const stopping = new AbortController();
  const errand = { rival: 'engine', inFlight: 256, requests: 1_000_000 } as const;
  const client = ask({ ...errand, url: endpoint.url, warmUp: 0, first: 0 }, stopping.signal).catch(() => undefined);
  const open: number[] = [];
  try {
    const until = performance.now() + 1000 * collapseSeconds;
    const last = until - 2000;
    const before = await endpoint.counts();
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (performance.now() > last) open.push((await endpoint.counts()).inFlight);
    }
    const perSecond = ((await endpoint.counts()).answered - before.answered) / collapseSeconds;
    const ideal = (1000 * above) / latencyMs;
    const share = (100 * perSecond) / ideal;
    const inFlight = median(open);
    console.log(
      `| engine, latency doubles above 32, 256 offered, ${collapseSeconds} s | ${perSecond.toFixed(0)} | ${share.toFixed(1)} % | | ${inFlight} in flight at the end (${Math.min(...open)} to ${Math.max(...open)}) |`,
    );
    return { inFlightAfterCollapse: inFlight };
  } finally {
    stopping.abort();
    await client;
    await endpoint.close();
  }
}

/** Sends a client to an endpoint, which ends with it. */
async function run(
  errand: Pick<Errand, 'rival' | 'inFlight' | 'requests'>,
  endpoint: Pick<ServerProcess, 'url' | 'close'>,
): Promise<Report> {
  try {
    return await ask({ ...errand, url: endpoint.url, warmUp: 8000, first: 0 });
  } finally {
    await endpoint.close();
  }
}

function fakeEndpoint(settings: FakeEndpointSettings) {
  return spawnFakeEndpoint({ latencyMs, pieces, ...settings });
}

function quickEndpoint(): Promise<ServerProcess> {
  return spawnServer(fileURLToPath(new URL('./orchestration/quick-endpoint.js', import.meta.url)), `${latencyMs}`);
}

async function ask(errand: Errand, signal?: AbortSignal): Promise<Report> {
  const program = fileURLToPath(new URL('./orchestration/client.js', import.meta.url));
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, [program, JSON.stringify(errand)], {
    stdio: [...stdio],
    ...(signal && { signal }),
  });
  // An aborted child says so, and its output ends.
  child.on('error', () => undefined);
  if (child.stdout === null) throw new Error('the client has no stdout');
  const said = await text(child.stdout);
  if (said === '') throw new Error('the client ended without a report');
  return JSON.parse(said);
}

function of(reports: readonly Report[]) {
  const middle = (figure: (report: Report) => number) => median(reports.map(figure));
  return {
    perSecond: middle(({ perSecond }) => perSecond),
    cpuMsPerRequest: middle(({ cpuMsPerRequest }) => cpuMsPerRequest),
    residentMiB: Math.max(...reports.map(({ residentMiB }) => residentMiB)),
  };
}

function row(name: string, reports: readonly Report[], ideal: number): void {
  const { perSecond, cpuMsPerRequest, residentMiB } = of(reports);
  const slowest = Math.min(...reports.map((report) => report.perSecond));
  const cells = [
    name,
    `${perSecond.toFixed(0)} (${slowest.toFixed(0)})`,
    `${((100 * perSecond) / ideal).toFixed(1)} %`,
    cpuMsPerRequest.toFixed(3),
    `${residentMiB.toFixed(0)} MiB`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
