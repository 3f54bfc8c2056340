import { riverStatus } from '../../streams/river/river-status.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { openPipeline, type PipelineOptions } from '../run/kept-run.js';
import { statusLines } from '../run/render-status.js';

/** `headwater status`: where a pipeline stands and which workers are on it, while it runs or after. */
export async function status(options: PipelineOptions, io: Io): Promise<number> {
  const { recipe, topics, shardDir } = await openPipeline(options);
  try {
    const found = await riverStatus(recipe, topics);
    if (io.json) io.out(`${JSON.stringify({ name: recipe.name, shardDir, ...found }, null, 2)}\n`);
    else io.out(`${statusLines(recipe.name, found).join('\n')}\n`);
    return exitCodes.done;
  } finally {
    await topics.close();
  }
}
