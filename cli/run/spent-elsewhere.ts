import type { RunBudgetConfig } from '../../schemas/recipe.js';
import { isFed, isNoticed } from '../../streams/river/budget-notice.js';
import { isFlowing, uncommitted } from '../../streams/river/is-dry.js';
import { idleParts } from '../../streams/river/parts.js';
import { stagesOf } from '../../streams/river/stages.js';
import { readWorkers } from '../../streams/river/workers.js';
import type { StageRun } from '../../streams/stage/run-stage.js';
import { lookout } from './lookout.js';
import type { Prepared } from './prepare.js';

export interface ElsewhereOptions {
  readonly prepared: Pick<Prepared, 'recipe' | 'topics'>;
  /** The id of this worker in its reports. */
  readonly worker: string;
  readonly stages: readonly Pick<StageRun, 'name' | 'inFlight'>[];
  /** Something that changes with each commit of this process. */
  readonly progress: () => unknown;
  /** Whether this process asks nothing of a model, and waits for no answer. */
  readonly isIdle: () => boolean;
  /** Called once. */
  readonly onSpent: () => void;
  readonly onBlind: (text: string) => void;
}

/** Time between two looks; where one process has all topics, nobody else moves anything. */
const everyMs = { kafka: 5000, log: 1000 };

/**
 * Notices that another worker, or an earlier run, has found the budget spent, and that nothing is left to do here: all that the topics
 * hold is taken in, and nobody who is alive makes more of it. Two looks in a row must find it so. The returned function ends it.
 */
export function watchElsewhere(limits: RunBudgetConfig | undefined, options: ElsewhereOptions): () => void {
  const { prepared, stages, progress, onSpent, onBlind } = options;
  const { kind } = prepared.topics;
  // One that has all topics and plans to itself has something to ask until it finds out by asking.
  const asks = ['plan', 'draft'].every((name) => stages.some((stage) => stage.name === name));
  if (limits === undefined || (kind === 'log' && asks)) return () => undefined;
  let before: unknown;
  let looksAtRest = 0;

  async function look(limits: RunBudgetConfig): Promise<void> {
    const now = progress();
    looksAtRest = now === before && (await isAtRest(limits, options)) ? looksAtRest + 1 : 0;
    before = now;
    if (looksAtRest < 2) return;
    clearInterval(timer);
    onSpent();
  }

  const looking = lookout(
    () => look(limits),
    (error) => {
      onBlind(`whether other workers have found the budget spent is not known: ${String(error)}`);
    },
  );
  const timer = setInterval(looking, everyMs[kind]);
  return () => clearInterval(timer);
}

async function isAtRest(
  limits: RunBudgetConfig,
  { prepared, worker, stages, isIdle }: ElsewhereOptions,
): Promise<boolean> {
  const { recipe, topics } = prepared;
  if (!isIdle() || !(await isNoticed(topics, limits))) return false;
  const others = (await readWorkers(topics, Date.now())).filter((other) => other.worker !== worker);
  const names = stages.map(({ name }) => name);
  if (isFed(names, others)) return false;
  for (const { name, inputs } of stagesOf(recipe, idleParts)) {
    const run = stages.find((stage) => stage.name === name);
    if (run === undefined) continue;
    const { inFlight } = run;
    if ((await uncommitted(topics, { name, inputs: inputs.filter(isFlowing) }, inFlight)) > inFlight) return false;
  }
  return true;
}
