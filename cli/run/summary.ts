import type { Correction } from '../../schemas/correction.js';
import type { Quality } from '../../schemas/quality.js';
import type { Sample } from '../../schemas/sample.js';
import type { ManifestEntry } from '../../schemas/shard.js';
import type { EndpointReport } from '../../schemas/worker-report.js';
import { type JudgeStatus, judgeStatus, newestQuality } from '../../streams/river/quality-status.js';
import { type LedgerSums, ledgerSums, newestCorrection, noLedger } from '../../streams/river/river-status.js';
import { readManifest } from '../../streams/shards/manifest-file.js';
import type { Io } from '../io.js';
import { correctionLines } from './correction-text.js';
import { costText, yieldText } from './cost-text.js';
import { type Prepared, totalTarget } from './prepare.js';
import { diversityText, judgeText } from './quality-text.js';
import { clock } from './render.js';
import type { RunWatch } from './run-view.js';
import { sampleText } from './sample-text.js';
import { savedText } from './saved-text.js';

/** What `run --json` prints: the ledger's sums are of all runs on this data folder. */
export interface RunSummary extends LedgerSums {
  readonly name: string;
  readonly status: 'complete' | 'stopped' | 'budget';
  readonly target: number | null;
  readonly acceptedNow: number;
  readonly seconds: number;
  readonly mmd2: number | null;
  /** The newest of any lane, without its witness. */
  readonly correction: Correction | null;
  /** The last measurement of each lane. */
  readonly quality: readonly Quality[];
  /** Null where nothing was judged. */
  readonly judge: JudgeStatus | null;
  /** How the endpoints did at the end, where this process asked some. */
  readonly endpoints: readonly EndpointReport[];
  readonly shardDir: string;
  readonly shards: readonly Pick<ManifestEntry, 'seq' | 'path' | 'rows' | 'bytes'>[];
  /** Of this run. */
  readonly samples: readonly Pick<Sample, 'id' | 'fields' | 'label'>[];
}

const shownSamples = 2;

export async function summarize(
  status: RunSummary['status'],
  { recipe, topics, shardDir, targets }: Prepared,
  watch: Pick<RunWatch, 'accepted' | 'acceptedBefore' | 'elapsedMs' | 'samples'> & Partial<Pick<RunWatch, 'endpoints'>>,
): Promise<RunSummary> {
  // Stopped before the first run began, there are no topics to read.
  const began = (await topics.list()).length > 0;
  const ledger = began ? await ledgerSums(topics) : noLedger;
  const correction = began ? await newestCorrection(topics) : null;
  const shards = [];
  for await (const { seq, path, rows, bytes } of readManifest(shardDir)) shards.push({ seq, path, rows, bytes });
  return {
    name: recipe.name,
    status,
    ...ledger,
    target: totalTarget(targets),
    acceptedNow: watch.accepted - watch.acceptedBefore,
    seconds: Math.round(watch.elapsedMs / 100) / 10,
    mmd2: correction?.mmd2 ?? null,
    correction,
    quality: began ? await newestQuality(topics) : [],
    judge: began ? await judgeStatus(topics) : null,
    endpoints: watch.endpoints?.() ?? [],
    shardDir,
    shards,
    samples: watch.samples.map(({ id, fields, label }) => ({ id, fields, ...(label === undefined ? {} : { label }) })),
  };
}

/** The end of a run for a person: two samples, where they were not shown before, then what was made and where it is. */
export function printSummary(summary: RunSummary, shown: boolean, io: Io): void {
  if (io.json) {
    io.out(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  if (!shown) for (const sample of summary.samples.slice(0, shownSamples)) io.out(`${sampleText(sample)}\n\n`);
  for (const line of summaryLines(summary)) io.out(`${line}\n`);
}

function summaryLines(summary: RunSummary): readonly string[] {
  const { accepted, target, acceptedNow, seconds, dropped, dead, mmd2, cost, shards, shardDir } = summary;
  const rows = shards.reduce((sum, shard) => sum + shard.rows, 0);
  const ended = [...Object.entries(dropped), ...Object.entries(dead).map(([code, n]) => [`dead ${code}`, n] as const)];
  return [
    `accepted   ${accepted}${target === null ? '' : ` of ${target}`} (${acceptedNow} in this run, ${clock(seconds * 1000)})`,
    `dropped    ${ended.length === 0 ? 'none' : ended.map(([reason, n]) => `${reason} ${n}`).join(', ')}`,
    `yield      ${yieldText(summary)}`,
    `tokens     ${summary.promptTokens} read, ${summary.completionTokens} written; cost ${costText(cost, accepted)}`,
    ...(summary.savedCalls === 0 ? [] : [`saved      ${savedText(summary)}`]),
    `MMD²       ${mmd2 === null ? 'not known: no real stream, too few real records in a lane, or too few samples' : `${mmd2.toFixed(4)} to the real stream`}`,
    ...correctionTexts(summary),
    `diversity  ${diversityText(summary.quality)}`,
    ...(summary.judge === null ? [] : [`judge      ${judgeText(summary.judge)}`]),
    `shards     ${shards.length} with ${rows} rows in ${shardDir}`,
  ];
}

function correctionTexts({ correction }: RunSummary): readonly string[] {
  if (correction === null) return [];
  return correctionLines(correction, 1).map(([title, text]) => `${title.padEnd(10)} ${text}`);
}
