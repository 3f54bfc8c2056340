import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { Io } from '../io.js';
import { type CountedInput, countInputs } from '../recipe/count-input.js';
import { dataflow, drawDataflow } from '../recipe/dataflow.js';
import { type Estimate, estimate } from '../recipe/estimate.js';
import { inputWarnings } from '../recipe/input-warnings.js';
import { type LoadedRecipe, loadRecipe } from '../recipe/load-recipe.js';
import { modelsOf, type RecipeModel } from '../recipe/models-of.js';
import { priceText } from '../recipe/price-of.js';
import { type TopicsPlace, topicsPlace, topicsText } from '../recipe/topics-place.js';
import { budgetText } from '../run/budget.js';
import { kafkaSettings } from '../run/kafka-settings.js';

export interface CheckOptions {
  /** A file, or the name of a built-in recipe. */
  readonly recipe: string;
  readonly set?: readonly string[];
  readonly samples?: number;
  readonly out?: string;
  /** Of a recipe with arms: which one. */
  readonly arm?: string;
  /** Where models are kept. @default the user's cache folder */
  readonly cacheDir?: string;
}

interface Report {
  readonly loaded: LoadedRecipe;
  readonly models: readonly RecipeModel[];
  readonly inputs: readonly CountedInput[];
  readonly estimate: Estimate | null;
  readonly topics: TopicsPlace;
}

/**
 * `headwater check`: says what a recipe would do, and asks no model. Resolves with the exit code; after the report it throws
 * `input-unreadable`, `model-missing`, or what is wrong with certificates and secrets, where a run would fail for it.
 */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  const { set = [], samples, out, arm } = options;
  const overrides = {
    set,
    ...(samples === undefined ? {} : { samples }),
    ...(out === undefined ? {} : { out }),
    ...(arm === undefined ? {} : { arm }),
  };
  const loaded = await loadRecipe(options.recipe, overrides);
  const inputs = await countInputs(loaded.recipe, loaded.dir);
  const models = await modelsOf(loaded.recipe, loaded.dir, options.cacheDir);
  const seeds = inputs.find(({ input }) => input === 'seeds');
  const report = {
    loaded: { ...loaded, warnings: [...loaded.warnings, ...inputWarnings(loaded.recipe, inputs)] },
    models,
    inputs,
    estimate: estimate(loaded.recipe, seeds?.meanCharacters ?? null),
    topics: topicsPlace(loaded.recipe),
  };

  for (const warning of report.loaded.warnings) io.err(`${warning}\n`);
  io.out(io.json ? `${JSON.stringify(jsonOf(report), null, 2)}\n` : textOf(report));
  refuse(report);
  const { recipe, dir: base } = loaded;
  const { name, topics } = recipe;
  // Read for what is wrong with them, and forgotten.
  if (topics.kind === 'kafka') await kafkaSettings(topics, { name, base, environment: process.env });
  return 0;
}

/** The first thing that a run would fail for. */
function refuse({ inputs, models }: Report): void {
  for (const { input, error } of inputs) {
    if (error !== null) throw new HeadwaterError('input-unreadable', `inputs.${input}: ${error}`);
  }
  for (const { role, model, state } of models) {
    if (state !== 'missing') continue;
    const message = `models.${role}: there is no file ${model}, and no model of that name: see 'headwater models'`;
    throw new HeadwaterError('model-missing', message);
  }
}

function jsonOf({ loaded, models, inputs, estimate, topics }: Report) {
  const { file, warnings, recipe } = loaded;
  return { name: recipe.name, file, warnings, stages: dataflow(recipe), models, inputs, estimate, topics };
}

function textOf({ loaded, models, inputs, estimate, topics }: Report): string {
  const { recipe, file } = loaded;
  return [
    `${recipe.name}: ${recipe.domain.about}\n${file}, target: ${targetText(recipe.target)}\n`,
    `Dataflow\n${drawDataflow(recipe)}`,
    `Models\n${models.map(modelLine).join('')}`,
    `Topics\n${topicsText(topics)}`,
    `Inputs\n${inputs.map(inputLines).join('')}`,
    estimateText(estimate),
  ].join('\n');
}

/** Such as `1000 samples, within 2,000,000 tokens and $5`. */
function targetText(target: Recipe['target']): string {
  const wanted = 'samples' in target ? `${target.samples} samples` : 'endless';
  return target.budget === undefined ? wanted : `${wanted}, within ${budgetText(target.budget)}`;
}

function modelLine({ role, engine, model, state, sendsTo, leavesMachine, licence, ...rest }: RecipeModel): string {
  const { fetchBytes, price } = rest;
  const states = {
    present: 'is here',
    fetch: `is fetched at the first run (${(fetchBytes / 1e6).toFixed(0)} MB)`,
    missing: 'is missing',
    server: 'on a server, which was not asked',
  };
  const where = sendsTo === null ? 'texts stay in this process' : `texts go to ${sendsTo}`;
  const leaves = leavesMachine ? ', another machine' : '';
  const terms = licence === null ? '' : `; licence: ${licence}`;
  const costs = state === 'server' ? `; ${priceText(price)}` : '';
  return `  ${role.padEnd(9)}${engine}/${model}: ${states[state]}; ${where}${leaves}${costs}${terms}\n`;
}

function inputLines({ input, source, read, dead, skipped, faults, error }: CountedInput): string {
  const head = `  ${input.padEnd(10)}${source}: `;
  if (read === null) return `${head}read when it runs\n`;
  if (error !== null) return `${head}${error}\n`;
  const left = Object.entries(skipped).map(([reason, count]) => `${reason} ${count}`);
  const skips = left.length === 0 ? '' : `    left out: ${left.join(', ')}\n`;
  const bad = dead === 0 ? '' : `, ${dead} bad`;
  return `${head}${read} good${bad}\n${faults.map((fault) => `    ${fault}\n`).join('')}${skips}`;
}

function estimateText(estimate: Estimate | null): string {
  if (estimate === null) return 'Estimate\n  not known: the seeds are read when it runs\n';
  const { samples, models, tokens, cost, seconds, basis } = estimate;
  const known = (value: number | null, text: (value: number) => string) => (value === null ? 'not known' : text(value));
  const calls = models.map(({ role, requests, promptTokens, completionTokens }) => {
    return `  ${role.padEnd(9)}${requests} requests, ${promptTokens} tokens in, ${completionTokens} tokens out\n`;
  });
  return [
    `Estimate for ${samples} accepted samples\n`,
    ...calls,
    `  tokens   ${tokens}\n`,
    `  cost     ${known(cost, (usd) => `${usd.toFixed(2)} US dollars`)}\n`,
    `  time     ${known(seconds, duration)}\n`,
    ...basis.map((sentence) => `  (${sentence})\n`),
  ].join('');
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
