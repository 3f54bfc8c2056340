import { type ChildProcess, fork } from 'node:child_process';

import type { Copy, Job, Order, Report } from './job.js';

type ReportOf<Type extends Report['type']> = Extract<Report, { readonly type: Type }>;

/** A worker process. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(report: Report) => void>();
  readonly #exit: Promise<void>;
  #ended = false;

  constructor(args: readonly string[], flags: readonly string[] = []) {
    this.#child = fork(new URL('./worker.js', import.meta.url), args, { execArgv: [...flags] });
    this.#child.on('message', (report: Report) => {
      for (const listener of this.#listeners) listener(report);
    });
    this.#exit = new Promise((resolve, reject) => {
      this.#child.once('exit', (code) => {
        if (this.#ended) resolve();
        else reject(new Error(`a worker ended with ${code}`));
      });
    });
    this.#exit.catch(() => undefined);
  }

  static async start(args: readonly string[], flags?: readonly string[]): Promise<Worker> {
    const worker = new Worker(args, flags);
    await worker.wait('holds');
    return worker;
  }

  /** The next report of a type that fits; rejects when the process ends before. */
  wait<Type extends Report['type']>(
    type: Type,
    fits: (report: ReportOf<Type>) => boolean = () => true,
  ): Promise<ReportOf<Type>> {
    const reported = new Promise<ReportOf<Type>>((resolve) => {
      const listener = (report: Report) => {
        if (!isOf(report, type) || !fits(report)) return;
        this.#listeners.delete(listener);
        resolve(report);
      };
      this.#listeners.add(listener);
    });
    return Promise.race([reported, this.#exit.then(() => Promise.reject(new Error('the worker was ended')))]);
  }

  /** Gives an order and waits for the report on it. */
  ask<Type extends Report['type']>(order: Order, type: Type): Promise<ReportOf<Type>> {
    const answer = this.wait(type);
    this.order(order);
    return answer;
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  async end(): Promise<void> {
    this.#ended = true;
    if (this.#child.connected) this.#child.disconnect();
    await this.#exit.catch(() => undefined);
  }
}

/** Lets workers copy together, with the same share of the partitions each, until all is copied. */
export async function copyWith(workers: readonly Worker[], job: Job, records: number): Promise<readonly Copy[]> {
  const share = job.partitions / workers.length;
  const ready = workers.map((worker) => worker.wait('holds', ({ partitions }) => partitions === share));
  for (const worker of workers) worker.order({ type: 'join', job });
  await Promise.all(ready);
  const copied = new Map<Worker, number>();
  const all = workers.map((worker) =>
    worker.wait('copied', (report) => {
      copied.set(worker, report.records);
      return [...copied.values()].reduce((sum, count) => sum + count, 0) >= records;
    }),
  );
  for (const worker of workers) worker.order({ type: 'go' });
  await Promise.race(all);
  const reports = await Promise.all(workers.map((worker) => worker.ask({ type: 'stop' }, 'copy')));
  const copies = reports.map(({ copy }) => copy);
  const total = copies.reduce((sum, copy) => sum + copy.records, 0);
  if (total !== records) throw new Error(`${total} of ${records} records were copied by ${job.group}`);
  return copies;
}

function isOf<Type extends Report['type']>(report: Report, type: Type): report is ReportOf<Type> {
  return report.type === type;
}
