import { type Cost, costLine, median } from '../report.js';
import type { Copy } from './job.js';

/** What workers that copied together cost, from the first order to go to the last commit. */
export function costOf(copies: readonly Copy[]): Cost {
  const sum = (value: (copy: Copy) => number) => copies.reduce((total, copy) => total + value(copy), 0);
  const [from, to] = [Math.min(...copies.map((copy) => copy.from)), Math.max(...copies.map((copy) => copy.to))];
  const count = sum(({ records }) => records);
  return { perSecond: (1000 * count) / (to - from), cpuMsPerThousand: (1000 * sum(({ cpuMs }) => cpuMs)) / count };
}

/** The rounds of one worker, in two lines: speed and processor time; transactions and latencies. */
export function printCopies(name: string, copies: readonly Copy[]): void {
  const costs = copies.map((copy) => costOf([copy]));
  const each = (value: (copy: Copy) => number) => median(copies.map(value)).toFixed(0);
  console.log(costLine(name, costs, 'records'));
  const transactions = `${each(({ records, transactions }) => records / transactions)} records a transaction`;
  const records = `95 % of them committed ${each(({ recordLatencyMs }) => recordLatencyMs)} ms after their fetch`;
  console.log(
    `  ${transactions}, ${records}, 95 % of transactions in ${each(({ transactionMs }) => transactionMs)} ms`,
  );
}
