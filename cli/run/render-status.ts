import type { PartitionStatus } from '../../streams/river/partition-status.js';
import type { RiverStatus, StageStatus } from '../../streams/river/river-status.js';
import type { WorkerStatus } from '../../streams/river/workers.js';
import { correctionLines } from './correction-text.js';
import { costText, yieldText } from './cost-text.js';
import { endpointTexts } from './endpoint-text.js';
import { diversityText, judgeText } from './quality-text.js';
import { savedText } from './saved-text.js';
import { synalignLines } from './synalign-text.js';

const width = 12;
const indent = ' '.repeat(width);

/** Where a river stands, in lines for people. */
export function statusLines(name: string, status: RiverStatus): readonly string[] {
  const { ledger, stages, workers, correction, synalign, quality, judge, deadLetters } = status;
  const { accepted, promptTokens, completionTokens, cost } = ledger;
  const isHeld = workers.some(({ silentSince }) => silentSince === null);
  return [
    `${name}: ${accepted} accepted`,
    ...stages.flatMap((stage) => [stageLine(stage), ...(isHeld ? holderLines(stage) : [])]),
    ...workerLines(workers),
    titled('tokens', `${promptTokens} read, ${completionTokens} written`),
    titled('yield', yieldText(ledger)),
    titled('cost', costText(cost, accepted)),
    titled('saved', ledger.savedCalls === 0 ? 'no request yet: nothing was reused' : savedText(ledger)),
    titled('MMD²', mmdText(status)),
    ...(correction === null ? [] : correctionLines(correction).map(([title, text]) => titled(title, text))),
    ...(synalign === null ? [] : synalignLines(synalign).map(([title, text]) => titled(title, text))),
    titled('diversity', diversityText(quality)),
    ...(judge === null ? [] : [titled('judge', judgeText(judge))]),
    titled('dead', `${deadLetters} dead letters`),
  ];
}

function stageLine({ name, counts, lags, recordsPerSecond }: StageStatus): string {
  const lag = lags.reduce((sum, input) => sum + input.lag, 0);
  const reasons = [...Object.entries(counts.dropped), ...Object.entries(counts.dead)].map(
    ([reason, n]) => `, ${reason} ${n}`,
  );
  const rate = recordsPerSecond > 0 ? `, ${recordsPerSecond}/s` : '';
  return titled(name, `lag ${lag}${rate}, emitted ${counts.emitted}, absorbed ${counts.absorbed}${reasons.join('')}`);
}

/** A line for each worker that holds some of a stage's partitions, and one for those that nobody holds. */
function holderLines({ partitions }: StageStatus): readonly string[] {
  const byWorker = new Map<string | null, readonly PartitionStatus[]>();
  for (const partition of partitions) {
    byWorker.set(partition.worker, [...(byWorker.get(partition.worker) ?? []), partition]);
  }
  return [...byWorker].map(
    ([worker, held]) => `${indent}${worker ?? 'held by nobody'}: ${held.map(partitionText).join(', ')}`,
  );
}

function partitionText({ partition, state, lag, restored, restoreTotal }: PartitionStatus): string {
  const notes = [
    ...(state === 'restoring' ? [`restoring ${restored ?? 0} of ${restoreTotal ?? '?'}`] : []),
    ...(lag > 0 ? [`lag ${lag}`] : []),
  ];
  return notes.length === 0 ? String(partition) : `${partition} (${notes.join(', ')})`;
}

function workerLines(workers: readonly WorkerStatus[]): readonly string[] {
  if (workers.length === 0) return [titled('workers', 'none')];
  const silent = workers.filter(({ silentSince }) => silentSince !== null).length;
  const counted = [`${workers.length - silent} alive`, ...(silent > 0 ? [`${silent} silent`] : [])].join(', ');
  return [
    titled('workers', counted),
    ...workers.flatMap((worker) => [workerText(worker), ...endpointLines(worker)].map((line) => `${indent}${line}`)),
  ];
}

function endpointLines({ endpoints = [], silentSince }: WorkerStatus): readonly string[] {
  return silentSince === null ? endpointTexts(endpoints).map((text) => `  ${text}`) : [];
}

function workerText({ worker, state, stages, silentSince }: WorkerStatus): string {
  if (silentSince !== null) return `${worker}: silent since ${new Date(silentSince).toISOString()}`;
  const held = stages.map(({ name, partitions }) => `${name} ${partitions.length}`);
  const rate = stages.reduce((sum, stage) => sum + stage.recordsPerSecond, 0);
  return [`${worker}: ${state}`, ...held, ...(rate > 0 ? [`${rate.toFixed(1)}/s`] : [])].join(', ');
}

function mmdText({ merged, correction }: RiverStatus): string {
  if (merged !== null) {
    const { mmd2, synthetic, real, lanes } = merged;
    const each = lanes.map((lane) => lane.mmd2.toFixed(4)).join(', ');
    const text = `${mmd2.toFixed(4)} over ${synthetic.size} samples and ${real.size} real records`;
    return lanes.length > 1 ? `${text}; by lane ${each}` : text;
  }
  if (correction === null) return 'not known';
  const { mmd2, synthetic, real } = correction;
  return `${mmd2.toFixed(4)} over ${synthetic.size} samples and ${real.size} real records`;
}

function titled(title: string, text: string): string {
  return `${title.padEnd(width - 1)} ${text}`;
}
