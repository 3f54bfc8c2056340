import { join } from 'node:path';

import { HeadwaterError } from '../../schemas/errors.js';
import { keepEnd, keptEnd } from '../arms/arm-end.js';
import { type ArmEnd, type ArmFigures, armFigures } from '../arms/arm-figures.js';
import { readArm } from '../arms/read-arm.js';
import { armLines, type ComparedArm } from '../arms/render-arms.js';
import { exitCodeOf, exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { type LoadedRecipe, loadRecipe } from '../recipe/load-recipe.js';
import { keptRun, openPipeline } from '../run/kept-run.js';
import { overridesOf, type RunOptions } from '../run/run-options.js';
import { type Interruption, interruption } from '../signals.js';
import { run } from './run.js';

interface Arm {
  readonly name: string;
  readonly loaded: LoadedRecipe;
  readonly dataDir: string;
  readonly out: string;
}

/** What is known of an arm when its turn is over. */
type Ended = Arm & { readonly end: ArmEnd };

/**
 * `headwater run` of a recipe with arms: each is a pipeline of its own, one after the other, that uses the paid answers of those before
 * it; then all are compared. Arms that are done are passed over; one of whose plans very many ended without a sample is told as such,
 * and the next one begins. Resolves with the exit code.
 */
export async function runArms(options: RunOptions, names: readonly string[], io: Io): Promise<number> {
  refuseMisfits(options);
  const arms: Arm[] = [];
  // What is wrong with the last one is found before the first is paid for.
  for (const name of names) arms.push(await armOf(options, name));
  const interrupted = interruption();
  const ended: Ended[] = [];
  try {
    for (const [index, arm] of arms.entries()) {
      io.err(`${arm.name}: arm ${index + 1} of ${arms.length}\n`);
      ended.push({ ...arm, end: await endOf(options, arm, arms.slice(0, index), interrupted, io) });
    }
    await printComparison(ended, io);
    return exitCode(ended);
  } finally {
    interrupted.release();
  }
}

function refuseMisfits({ stages, print }: RunOptions): void {
  const asked = stages !== undefined ? '--stages' : print ? '--print' : undefined;
  if (asked === undefined) return;
  const text = `${asked}: a recipe with arms is run whole, to compare them: leave it out`;
  throw new HeadwaterError(
    'recipe-invalid',
    `${text}; \`headwater tail samples --data DIR/ARM\` shows what an arm wrote`,
  );
}

async function armOf(options: RunOptions, name: string): Promise<Arm> {
  const loaded = await loadRecipe(options.recipe, overridesOf({ ...options, arm: name }));
  const { topics, shards } = loaded.recipe;
  const dataDir = join(options.data ?? topics.dir ?? '.headwater', name);
  return { name, loaded, dataDir, out: join(options.out ?? shards.dir, name) };
}

async function endOf(
  options: RunOptions,
  arm: Arm,
  earlier: readonly Arm[],
  { soon }: Interruption,
  io: Io,
): Promise<ArmEnd> {
  if (soon.aborted) return { status: 'not run' };
  const { name, dataDir, out, loaded } = arm;
  const before = options.more ? undefined : await keptEnd(dataDir, loaded.recipe);
  if (before !== undefined) {
    io.err(`${name}: passed over: ${before.message}\n`);
    return { status: 'failed', ...before };
  }
  const begun = await Promise.all(
    earlier.map(async (other) => ((await keptRun(other.dataDir)) ? [other.dataDir] : [])),
  );
  const reuse = [...(options.reuse ?? []), ...begun.flat()];
  try {
    return await statusOf({ ...options, arm: name, data: dataDir, out, reuse }, io);
  } catch (error) {
    if (!(error instanceof HeadwaterError) || exitCodeOf(error.code) !== exitCodes.failed) throw error;
    const { code, message } = error;
    io.err(`${name}: ${message} [${code}]\n`);
    if (code === 'nothing-accepted') await keepEnd(dataDir, { code, message }, loaded.recipe);
    return { status: 'failed', code, message };
  }
}

/** Runs one arm as any recipe is run; what it would print is read here, and its lines name it. */
async function statusOf(options: RunOptions, io: Io): Promise<ArmEnd> {
  let printed = '';
  const own: Io = {
    isTty: io.isTty,
    json: true,
    out: (text) => {
      printed += text;
    },
    err: (text) => io.err(text.replace(/^(?=.)/gm, `${options.arm}: `)),
  };
  const code = await run(options, own);
  if (code === exitCodes.interrupted) return { status: 'stopped' };
  const summary = JSON.parse(printed) as { readonly status: 'complete' | 'budget' };
  return { status: summary.status };
}

async function printComparison(ended: readonly Ended[], io: Io): Promise<void> {
  const arms: ComparedArm[] = [];
  for (const { name, end, ...arm } of ended) arms.push({ name, end, figures: await figuresOf(arm) });
  if (!io.json) {
    io.out(`${armLines(arms).join('\n')}\n`);
    return;
  }
  const places = ended.map(({ dataDir, out }) => ({ dataDir, shardDir: out }));
  const told = arms.map(({ name, end, figures }, index) => ({ name, ...end, ...places[index], figures }));
  io.out(`${JSON.stringify({ arms: told }, null, 2)}\n`);
}

/** Null where an arm was not begun. */
async function figuresOf({ loaded, dataDir }: Pick<Arm, 'loaded' | 'dataDir'>): Promise<ArmFigures | null> {
  if ((await keptRun(dataDir)) === undefined) return null;
  const { topics } = await openPipeline({ data: dataDir });
  try {
    return armFigures(await readArm(loaded.recipe, topics), loaded.recipe.seed);
  } finally {
    await topics.close();
  }
}

/** That an arm's texts are no use is a result; that it could not be asked is a failure. */
function exitCode(ended: readonly Ended[]): number {
  if (ended.some(({ end }) => end.status === 'stopped' || end.status === 'not run')) return exitCodes.interrupted;
  const failed = ended.some(({ end }) => end.status === 'failed' && end.code !== 'nothing-accepted');
  return failed ? exitCodes.failed : exitCodes.done;
}
