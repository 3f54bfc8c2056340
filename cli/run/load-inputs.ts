import type { Recipe } from '../../schemas/recipe.js';
import { inputTopics } from '../../streams/inputs/to-record.js';
import { leastOf } from '../../streams/river/least-of.js';
import { loadBeside } from '../../streams/river/load-beside.js';
import { drawnTopics } from '../../streams/river/planning.js';
import { realTopics, type StageName } from '../../streams/river/stages.js';
import { ownTopic } from '../../streams/river/topics-of.js';
import type { Topics } from '../../streams/topics.js';

export interface LoadInputsOptions {
  readonly recipe: Recipe;
  readonly topics: Topics;
  /** The folder that files are relative to. */
  readonly base: string;
  /** Those that this process runs: it loads what they consume. */
  readonly stages: readonly StageName[];
}

/**
 * Inputs from files and modules come in beside the river, each through one of all its workers; a restart goes on where loading
 * ended. Resolves when the signal is aborted; rejects when one cannot be read, or has too little for the lanes.
 */
export async function loadInputs(options: LoadInputsOptions, signal: AbortSignal): Promise<void> {
  const { recipe, topics, base } = options;
  const { domain, topics: place } = recipe;
  const loading = (['real', 'documents', 'drafts'] as const).map(async (kind) => {
    const source = recipe.inputs[kind];
    if (source === undefined || (typeof source === 'object' && 'topic' in source)) return;
    const topic = ownTopic(source) ?? inputTopics[kind];
    if (!consumed(options).has(topic)) return;
    const target = { topics, topic, partitions: place.partitions, source, base, domain, now: Date.now };
    // Who explores waits for all that a file has.
    const tellsEnd = kind !== 'real' || recipe.steps.explore !== 'off';
    await loadBeside(kind, { ...target, least: leastOf(kind, recipe), tellsEnd }, signal);
  });
  await Promise.all(loading);
}

/** The topics of inputs that stages of this process read. */
function consumed({ recipe, stages }: LoadInputsOptions): ReadonlySet<string> {
  return new Set([
    ...(stages.includes('align') || stages.includes('judge') ? realTopics(recipe) : []),
    ...(stages.includes('plan') ? drawnTopics(recipe) : []),
  ]);
}
