import { costLine, growthOf, median } from '../report.js';
import { loadDocuments } from './contents.js';
import { costOf, printCopies } from './copy-cost.js';
import { copyWith } from './crew.js';
import type { Copy } from './job.js';
import type { Site } from './site.js';

/** Our stage on four partitions, in one worker and in two; and the memory of the one that is in both. */
export async function fourPartitions(site: Site): Promise<Readonly<Record<string, number>>> {
  const { rounds } = site.options;
  const records = 2 * site.options.records;
  await loadDocuments(site.producer, 'four', 4, records);
  const [one, other] = [await site.worker(), await site.worker()];
  const alone: Copy[] = [];
  const together: (readonly Copy[])[] = [];
  const memoryMiB: number[] = [];
  let copied = 0;
  for (let round = 0; round <= rounds; round++) {
    for (const workers of [[one], [one, other]]) {
      const group = `${workers.length === 1 ? 'alone' : 'together'}-${round}`;
      const copies = await copyWith(workers, site.job('stage', group, 'four', 4), records);
      const [own] = copies;
      if (own === undefined) continue;
      memoryMiB.push(...own.memoryMiB);
      copied += own.records;
      if (round === 0) continue;
      if (workers.length === 1) alone.push(own);
      else together.push(copies);
    }
  }
  await site.endWorkers();
  printCopies('stage, four partitions, one worker', alone);
  console.log(costLine('the same, two workers', together.map(costOf), 'records'));
  console.log(`memory of a worker over ${copied} records: ${twelveOf(memoryMiB)} MiB`);
  return {
    recordsPerSecondOfFour: median(alone.map((copy) => costOf([copy]).perSecond)),
    memoryGrowthMiB: growthOf(memoryMiB),
  };
}

function twelveOf(values: readonly number[]): string {
  const every = Math.ceil(values.length / 12);
  return values
    .filter((_, index) => index % every === 0)
    .map((value) => value.toFixed(0))
    .join(' ');
}
