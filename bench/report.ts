import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';

/** What a figure must at least or at most be. */
export interface Bound {
  readonly least?: number;
  readonly most?: number;
}

/** Bounds by the name of the figure, as a file of `bench/thresholds` holds them. */
export type Thresholds = Readonly<Record<string, Bound>>;

/** What a measured piece of work cost; the processor time is that of all threads of the process. */
export interface Cost {
  readonly perSecond: number;
  readonly cpuMsPerThousand: number;
}

/** Prints where a benchmark runs: node, processor, cores, load, and the versions of the packages that matter. */
export function printMachine(packages: readonly string[] = []): void {
  const processor = cpus()[0]?.model ?? 'unknown processor';
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  console.log(`node ${process.version}, ${availableParallelism()} cores of ${processor}, load ${load}`);
  if (packages.length > 0) console.log(packages.map((name) => `${name} ${versionOf(name)}`).join(', '));
}

/** Does the work of `count` records, texts or requests. */
export async function timed(count: number, work: () => Promise<unknown>): Promise<Cost> {
  const lap = stopwatch();
  await work();
  return lap(count);
}

/** Measures lap by lap: each call tells what the `count` things since the last one cost. */
export function stopwatch(): (count: number) => Cost {
  let start = performance.now();
  let cpu = process.cpuUsage();
  return (count) => {
    const milliseconds = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    start = performance.now();
    cpu = process.cpuUsage();
    return { perSecond: (1000 * count) / milliseconds, cpuMsPerThousand: (user + system) / count };
  };
}

/** The number behind `--name` on the command line. */
export function argument(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

/** The middle value; the mean of the two middle ones of an even number of values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Costs in a line: median and slowest speed, median and highest processor time. */
export function costLine(name: string, costs: readonly Cost[], unit: string): string {
  const speeds = costs.map(({ perSecond }) => perSecond);
  const cpu = costs.map(({ cpuMsPerThousand }) => cpuMsPerThousand);
  return [
    name.padEnd(38),
    `${median(speeds).toFixed(0)} ${unit}/s (slowest ${Math.min(...speeds).toFixed(0)})`.padEnd(40),
    `${median(cpu).toFixed(1)} CPU-ms per 1,000 (most ${Math.max(...cpu).toFixed(1)})`,
  ].join('');
}

/** Resident memory in MiB, without the pages of mapped files where the system tells them apart. */
export function residentMiB(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss() / 2 ** 20;
  const kibibytes = /RssAnon:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes) / 2 ** 10;
}

/**
 * How much more memory the last three tenths of a stream took than the second to fourth, in MiB; the first tenth is there to warm
 * up. Medians, since collections come and go: single readings of a flat stream differ by 40 MiB.
 */
export function growthOf(memoryMiB: readonly number[]): number {
  const part = (from: number, to: number) =>
    memoryMiB.slice(Math.floor(memoryMiB.length * from), Math.ceil(memoryMiB.length * to));
  return median(part(0.7, 1)) - median(part(0.1, 0.4));
}

/** Prints each figure that has a bound and whether it is kept; the process exits with 1 if one is missed or was not measured. */
export function verdict(thresholds: Thresholds, figures: Readonly<Record<string, number>>): void {
  for (const [name, { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }] of Object.entries(
    thresholds,
  )) {
    const figure = figures[name] ?? Number.NaN;
    const kept = figure >= least && figure <= most;
    if (!kept) process.exitCode = 1;
    const asked = [
      ...(least === Number.NEGATIVE_INFINITY ? [] : [`at least ${least}`]),
      ...(most === Number.POSITIVE_INFINITY ? [] : [`at most ${most}`]),
    ].join(', ');
    console.log(`${kept ? 'kept  ' : 'MISSED'} ${name} ${Number(figure.toPrecision(4))}, asked ${asked}`);
  }
}

/** As package.json pins it; benchmarks run from the root of the repository. */
function versionOf(name: string): string {
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  return dependencies[name] ?? devDependencies[name] ?? 'unknown';
}
