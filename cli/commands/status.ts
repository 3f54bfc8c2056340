import { type RiverStatus, riverStatus, type StageStatus } from '../../streams/river/river-status.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { openPipeline, type PipelineOptions } from '../run/kept-run.js';

/** `headwater status`: where a pipeline stands, while it runs or after. */
export async function status(options: PipelineOptions, io: Io): Promise<number> {
  const { recipe, topics, shardDir } = await openPipeline(options);
  try {
    const found = await riverStatus(recipe, topics);
    if (io.json) io.out(`${JSON.stringify({ name: recipe.name, shardDir, ...found }, null, 2)}\n`);
    else io.out(`${lines(recipe.name, found).join('\n')}\n`);
    return exitCodes.done;
  } finally {
    await topics.close();
  }
}

function lines(name: string, { stages, ledger, correction, deadLetters }: RiverStatus): readonly string[] {
  const { accepted, promptTokens, completionTokens, cost } = ledger;
  return [
    `${name}: ${accepted} accepted`,
    ...stages.map(stageLine),
    `tokens      ${promptTokens} read, ${completionTokens} written`,
    `cost        ${cost === null ? 'unknown' : `$${cost.toFixed(4)}`}`,
    `MMD²        ${correction === null ? 'not known' : `${correction.mmd2.toFixed(4)} over ${correction.synthetic.size} samples and ${correction.real.size} real records`}`,
    `dead        ${deadLetters} dead letters`,
  ];
}

function stageLine({ name, counts, lags }: StageStatus): string {
  const lag = lags.reduce((sum, input) => sum + input.lag, 0);
  const reasons = [...Object.entries(counts.dropped), ...Object.entries(counts.dead)].map(
    ([reason, n]) => `, ${reason} ${n}`,
  );
  return `${name.padEnd(11)} lag ${lag}, emitted ${counts.emitted}, absorbed ${counts.absorbed}${reasons.join('')}`;
}
