import { residentMiB } from '../report.js';
import type { Copy } from './job.js';

const sampleMs = 250;

/** Counts what one worker copies between the order to go and its last commit. */
export class Meter {
  /** Resolves at the order to go: nothing is read before it. */
  readonly started: Promise<void>;
  #start: () => void = () => undefined;
  #from = 0;
  #to = 0;
  #cpu = process.cpuUsage();
  #cpuMs = 0;
  #records = 0;
  readonly #recordLatencies: { readonly ms: number; readonly records: number }[] = [];
  readonly #transactions: number[] = [];
  readonly #memoryMiB: number[] = [];
  #sampling: NodeJS.Timeout | undefined;

  constructor(private readonly copied: (records: number) => void) {
    this.started = new Promise((resolve) => {
      this.#start = resolve;
    });
  }

  go(): void {
    this.#sampling = setInterval(() => this.#memoryMiB.push(residentMiB()), sampleMs);
    this.#from = now();
    this.#cpu = process.cpuUsage();
    this.#start();
  }

  /** A transaction has ended that began at `began`, with these records, by the time at which they were fetched. */
  committed(began: number, fetched: readonly { readonly at: number; readonly records: number }[]): void {
    this.#to = now();
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpuMs = (user + system) / 1000;
    this.#transactions.push(this.#to - began);
    for (const { at, records } of fetched) {
      this.#records += records;
      this.#recordLatencies.push({ ms: this.#to - at, records });
    }
    this.copied(this.#records);
  }

  result(): Copy {
    clearInterval(this.#sampling);
    return {
      records: this.#records,
      from: this.#from,
      to: this.#to,
      cpuMs: this.#cpuMs,
      transactions: this.#transactions.length,
      recordLatencyMs: quantile(this.#recordLatencies, 0.95),
      transactionMs: quantile(
        this.#transactions.map((ms) => ({ ms, records: 1 })),
        0.95,
      ),
      memoryMiB: this.#memoryMiB,
    };
  }
}

/** Milliseconds since 1970 with fractions, the same clock in all processes of a machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

function quantile(values: readonly { readonly ms: number; readonly records: number }[], share: number): number {
  const total = values.reduce((sum, { records }) => sum + records, 0);
  let below = 0;
  for (const { ms, records } of values.toSorted((a, b) => a.ms - b.ms)) {
    below += records;
    if (below >= share * total) return ms;
  }
  return Number.NaN;
}
