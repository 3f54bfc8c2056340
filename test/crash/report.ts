import type { CycleCounts } from './cycle.js';

/** `HEADWATER_CRASH_SEED=17` or `=5,17`: these seeds alone; `HEADWATER_CRASH_SEEDS=1000`: so many from 0 on. */
export function seedsToRun(usual: number, environment: NodeJS.ProcessEnv = process.env): readonly number[] {
  const { HEADWATER_CRASH_SEED: one, HEADWATER_CRASH_SEEDS: many = String(usual) } = environment;
  if (one !== undefined) return one.split(',').map(Number);
  return Array.from({ length: Number(many) }, (_, seed) => seed);
}

export interface Report {
  readonly pipelines: number;
  readonly faults: number;
  readonly lives: number;
  readonly answered: number;
  readonly paidTwice: number;
  readonly askedAgain: number;
  readonly byPoint: Readonly<Record<string, number>>;
}

/** What all pipelines went through together. */
export function reportOf(cycles: readonly CycleCounts[]): Report {
  const sum = (count: (cycle: CycleCounts) => number) => cycles.reduce((total, cycle) => total + count(cycle), 0);
  return {
    pipelines: cycles.length,
    faults: sum(({ faults }) => faults.length),
    lives: sum(({ lives }) => lives),
    answered: sum(({ answered }) => answered),
    paidTwice: sum(({ lost }) => lost),
    askedAgain: sum(({ askedAgain }) => askedAgain),
    byPoint: byPoint(cycles),
  };
}

export function printReport(report: Readonly<Record<string, unknown>> | Report): void {
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

function byPoint(cycles: readonly CycleCounts[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const fault of cycles.flatMap(({ faults }) => faults)) {
    const point = fault
      .replace(/ \(worker \d+\)$/, '')
      .replace(/\d+ ms$/, 'from outside')
      .replace(/#\d+$/, '');
    counts[point] = (counts[point] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort());
}
