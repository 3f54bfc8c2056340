import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { PaidAnswers } from '../../operators/journal.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import { ReusedAnswers } from '../../streams/reuse/reused-answers.js';
import { openPipeline, type Pipeline } from './kept-run.js';

/** The pipeline that answers are wanted for. */
export interface ReusingRun {
  readonly recipe: Recipe;
  readonly dataDir: string;
}

/** Other pipelines whose paid answers a run may use. */
export interface Reuse {
  /** Reads which answers there are; undefined where no pipeline was named. Rejects with the reason of the signal. */
  answers(signal: AbortSignal): Promise<(PaidAnswers & { readonly size: number }) | undefined>;
  close(): Promise<void>;
}

/**
 * Opens the pipelines of data folders to read, while runs may go on there. Rejects with a code of wrong input, naming the folder, where
 * it holds none, is damaged, or is the run's own.
 */
export async function openReuse(dirs: readonly string[], run: ReusingRun): Promise<Reuse> {
  const pipelines: Pipeline[] = [];
  const close = async () => {
    await Promise.all(pipelines.map(({ topics }) => topics.close()));
  };
  try {
    const own = await realPath(run.dataDir);
    const opened = new Set<string>();
    for (const dir of dirs) {
      const path = await realPath(dir);
      if (path === own) throw isOwn(dir);
      if (opened.has(path)) continue;
      opened.add(path);
      const pipeline = await openNamed(dir);
      pipelines.push(pipeline);
      if (isSamePipeline(pipeline.recipe, run.recipe)) throw isOwn(dir);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    answers: async (signal) => {
      if (pipelines.length === 0) return undefined;
      return ReusedAnswers.open(
        pipelines.map(({ topics }) => topics),
        signal,
      );
    },
    close,
  };
}

async function openNamed(dir: string): Promise<Pipeline> {
  try {
    return await openPipeline({ data: dir });
  } catch (cause) {
    if (!(cause instanceof HeadwaterError)) throw cause;
    throw new HeadwaterError(cause.code, `--reuse ${dir}: ${cause.message}`, { cause });
  }
}

function isOwn(dir: string): HeadwaterError {
  const text = `--reuse ${dir}: that is the pipeline of this run, whose answers are never asked twice anyway`;
  return new HeadwaterError('recipe-invalid', `${text}: name the data folder of another one`);
}

/** Two data folders may be workers of one pipeline on Kafka. */
function isSamePipeline(there: Recipe, here: Recipe): boolean {
  if (there.topics.kind !== 'kafka' || here.topics.kind !== 'kafka') return false;
  const { brokers } = here.topics;
  const prefix = ({ topics, name }: Recipe) => (topics.kind === 'kafka' ? (topics.prefix ?? name) : undefined);
  return prefix(there) === prefix(here) && there.topics.brokers.some((broker) => brokers.includes(broker));
}

/** A folder by the one name that it has, however it is linked; of one that is not there, its path. */
async function realPath(dir: string): Promise<string> {
  const path = resolve(dir);
  return realpath(path).catch(() => path);
}
