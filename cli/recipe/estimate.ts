import { costOf as usageCost } from '../../engines/prices.js';
import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import { drafterOf } from '../../streams/river/drafter.js';
import { judgeOf, type ModelRole } from '../../streams/river/judging.js';
import { reasonerOf } from '../../streams/river/reasoner.js';
import { modelsInUse } from './cross-checks.js';
import { priceOf } from './price-of.js';

/** What a model is expected to read and write for a target. */
export interface ModelEstimate {
  readonly role: ModelRole;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars; null where neither the recipe nor a public list has the price. */
  readonly cost: number | null;
  /** Null where the model's speed is not known. */
  readonly seconds: number | null;
}

export interface Estimate {
  /** The accepted samples that this is for; of an endless target, a thousand. */
  readonly samples: number;
  readonly models: readonly ModelEstimate[];
  readonly tokens: number;
  readonly cost: number | null;
  readonly seconds: number | null;
  /** How it was estimated, a sentence each. */
  readonly basis: readonly string[];
}

/** As measured with the recipe `emails`: 32 drafts and 28 edits for 24 accepted samples. */
const drafted = 32 / 24;
const refined = 28 / 24;
const charactersPerToken = 4;
/** Of markers, tags and instructions around an example. */
const frameTokens = 24;
/** CPU milliseconds a token with one thread and several sequences at once, as measured on a shared server core. */
const measuredSpeed: Readonly<Record<string, number>> = { 'gemma-3-270m': 28, 'smollm2-135m-instruct': 16 };
const endlessSamples = 1000;
/** Of a judge's answer: a guess, as judges differ. */
const judgedTokens = 100;
/** Of an attribute's name and value. */
const attributeTokens = 10;

/** Tokens, cost and time for a recipe's target, from the mean characters of its seeds; null where there are no seeds. */
export function estimate(recipe: Recipe, seedCharacters: number | null): Estimate | null {
  if (seedCharacters === null) return null;
  const samples = 'samples' in recipe.target ? recipe.target.samples : endlessSamples;
  const sampleTokens = Math.ceil(seedCharacters / charactersPerToken);
  const works = [reasoningWork, draftingWork, refiningWork, judgingWork].map((work) =>
    work(recipe, samples, sampleTokens),
  );
  const models = [...modelsInUse(recipe)].map(([role, model]) => {
    return modelEstimate(
      role,
      model,
      works.filter((work) => work?.role === role).flatMap((work) => work ?? []),
    );
  });
  return {
    samples,
    models,
    tokens: sum(models.map(({ promptTokens, completionTokens }) => promptTokens + completionTokens)) ?? 0,
    cost: sum(models.map(({ cost }) => cost)),
    seconds: longest(models.map(({ seconds }) => seconds)),
    basis: [
      `a sample is as long as the mean seed, ${Math.round(seedCharacters)} characters, at ${charactersPerToken} characters a token`,
      '32 drafts and 28 edits make 24 accepted samples, as measured with the recipe emails',
      'the time is that of the slower model, as measured with one thread of a shared server core; servers are not asked',
    ],
  };
}

/** What a stage asks of a model. */
interface Work {
  readonly role: ModelRole;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** One answer about the real examples serves several plans; the examples are taken to be as long as the seeds. */
function reasoningWork(recipe: Recipe, samples: number, sampleTokens: number): Work | undefined {
  const reasoner = reasonerOf(recipe);
  const { reason, explore, draft } = recipe.steps;
  if (reasoner === undefined || reason === 'off') return undefined;
  const requests = Math.ceil((samples * drafted) / reason.uses);
  const shown = explore === 'off' ? draft.examples : explore.examples;
  return {
    role: reasoner.role,
    requests,
    promptTokens: requests * promptOf(shown, sampleTokens),
    completionTokens: requests * answerOf(reasoner.model, reason.attributes.length * attributeTokens),
  };
}

function draftingWork(recipe: Recipe, samples: number, sampleTokens: number): Work | undefined {
  const drafter = drafterOf(recipe);
  if (drafter === undefined) return undefined;
  const { way, group } = recipe.steps.draft;
  const examples = shownExamples(recipe);
  const drafts = Math.ceil(samples * drafted);
  const requests = way === 'in-one' ? Math.ceil(drafts / group) : drafts;
  // The prompt of a sequence shows on average half of its group.
  const shown = examples + (way === 'sequential' ? (group - 1) / 2 : 0);
  return {
    role: drafter.role,
    requests,
    promptTokens: Math.ceil(requests * promptOf(shown, sampleTokens)),
    completionTokens: drafts * answerOf(drafter.model, sampleTokens),
  };
}

function refiningWork(recipe: Recipe, samples: number, sampleTokens: number): Work | undefined {
  const { steps, models } = recipe;
  const { instruct } = models;
  if (steps.refine === 'off' || instruct === undefined) return undefined;
  const requests = Math.ceil(samples * refined);
  // Tiny models edit without examples.
  const style = steps.refine.style ?? (instruct.engine === 'llama' ? 'copy-edit' : 'edit');
  const shown = 1 + (style === 'edit' ? shownExamples(recipe) : 0);
  return {
    role: 'instruct',
    requests,
    promptTokens: requests * promptOf(shown, sampleTokens),
    completionTokens: requests * answerOf(instruct, sampleTokens),
  };
}

/** Examples in a draft's prompt, or seeds that show the format where attributes stand in their place. */
function shownExamples({ steps: { draft, explore, reason } }: Recipe): number {
  return explore === 'off' || reason !== 'off' ? draft.examples : explore.examples;
}

/** A judge reads four texts, and says why before it names one. */
function judgingWork(recipe: Recipe, samples: number, sampleTokens: number): Work | undefined {
  const judging = judgeOf(recipe);
  const { judge } = recipe.steps;
  if (judging === undefined || judge === 'off') return undefined;
  const requests = Math.ceil(samples * judge.share);
  return {
    role: judging.role,
    requests,
    promptTokens: requests * promptOf(4, sampleTokens),
    completionTokens: requests * answerOf(judging.model, judgedTokens),
  };
}

/** Tokens of a prompt that shows so many texts. */
function promptOf(shown: number, sampleTokens: number): number {
  return shown * (sampleTokens + frameTokens) + frameTokens;
}

function answerOf({ maxTokens = Number.POSITIVE_INFINITY }: LanguageModelConfig, sampleTokens: number): number {
  return Math.min(sampleTokens + 8, maxTokens);
}

function modelEstimate(role: ModelRole, model: LanguageModelConfig, works: readonly Work[]): ModelEstimate {
  const total = (of: (work: Work) => number) => works.reduce((all, work) => all + of(work), 0);
  const promptTokens = total((work) => work.promptTokens);
  const completionTokens = total((work) => work.completionTokens);
  const milliseconds = model.engine === 'llama' ? measuredSpeed[model.model] : undefined;
  const seconds = milliseconds === undefined ? null : Math.ceil((completionTokens * milliseconds) / 1000);
  return {
    role,
    requests: total((work) => work.requests),
    promptTokens,
    completionTokens,
    cost: costOf(model, promptTokens, completionTokens),
    seconds: model.engine === 'replay' ? 0 : seconds,
  };
}

function costOf(model: LanguageModelConfig, promptTokens: number, completionTokens: number): number | null {
  const price = priceOf(model);
  return price === undefined ? null : usageCost(price, { promptTokens, completionTokens });
}

function sum(values: readonly (number | null)[]): number | null {
  return values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
}

function longest(values: readonly (number | null)[]): number | null {
  return values.reduce((most, value) => (most === null || value === null ? null : Math.max(most, value)), 0);
}
