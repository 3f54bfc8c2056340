import { idleParts } from '../../streams/river/parts.js';
import type { River } from '../../streams/river/river.js';
import { stageLags } from '../../streams/river/river-status.js';
import { stagesOf } from '../../streams/river/stages.js';
import { type Prepared, totalTarget } from './prepare.js';
import type { RunView, RunWatch, StageView } from './run-view.js';

/** What a run shows now: what this process has seen, and the lags on the topics. */
export async function viewOf(
  { recipe, topics, shardDir, targets }: Prepared,
  river: River,
  watch: RunWatch,
): Promise<RunView> {
  const stages: StageView[] = [];
  for (const { name, inputs } of stagesOf(recipe, idleParts)) {
    const run = river.stages.find((stage) => stage.name === name);
    if (run === undefined) continue;
    const lags = await stageLags(topics, name, inputs);
    const inFlight = run.inFlight;
    const lag = lags.reduce((sum, input) => sum + input.lag, 0);
    stages.push({ name, counts: watch.countsOf(name), inFlight, lag: Math.max(0, lag - inFlight) });
  }
  return {
    name: recipe.name,
    target: totalTarget(targets),
    accepted: watch.accepted,
    acceptedBefore: watch.acceptedBefore,
    elapsedMs: watch.elapsedMs,
    stages,
    roles: watch.roles(),
    cost: watch.cost,
    mmd2: watch.mmd2,
    correction: watch.correction,
    quality: watch.quality,
    judge: watch.judge,
    endpoints: watch.endpoints(),
    shards: watch.shards,
    shardDir,
  };
}
