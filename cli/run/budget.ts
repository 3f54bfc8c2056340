import { RunBudget, type Spent } from '../../engines/run-budget.js';
import type { LanguageModel } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Recipe, RunBudgetConfig } from '../../schemas/recipe.js';
import { budgetNotice } from '../../streams/river/budget-notice.js';
import { judgeOf, type ModelRole } from '../../streams/river/judging.js';
import { SpentReader } from '../../streams/river/spent.js';
import type { Topics } from '../../streams/topics.js';
import { priceOf } from '../recipe/price-of.js';
import { lookout } from './lookout.js';

/** What a run may still spend, and on which models. */
export interface OpenBudget {
  /** Whether no model is asked within it now. */
  readonly isIdle: boolean;
  /** The model of a role, within the budget. */
  limited(model: LanguageModel, role: ModelRole): LanguageModel;
  close(): void;
}

export interface BudgetOptions {
  readonly recipe: Recipe;
  readonly topics: Topics;
  /** Called once when nothing more can be asked, with a sentence for a person. */
  readonly onSpent: (text: string) => void;
  /** Called with a sentence for a person when what others spend is not known for a while. */
  readonly onBlind: (text: string) => void;
}

/** Where other processes may spend too, their spending is looked up this often. */
const lookMs = 5000;

const unlimited: OpenBudget = { isIdle: true, limited: (model) => model, close: () => undefined };

/**
 * The budget of a recipe's target, less what earlier runs and other workers have spent by the topics. With several workers it is
 * exceeded at most by what the others spend between two looks. That it is spent is written for them on the pipeline's topic.
 * Rejects with `recipe-invalid` where money is to be counted and what was spent before is not known.
 */
export async function openBudget(options: BudgetOptions): Promise<OpenBudget> {
  const limits = options.recipe.target.budget;
  if (limits === undefined) return unlimited;
  return openLimited(limits, options);
}

async function openLimited(limits: RunBudgetConfig, options: BudgetOptions): Promise<OpenBudget> {
  const { recipe, topics, onSpent, onBlind } = options;
  const reader = new SpentReader(topics);
  const before = known(await reader.read(), limits);
  const budget = new RunBudget(limits, before, (left, needed) => {
    // Where it cannot be told, each worker that asks finds out by itself.
    topics.append([budgetNotice(limits)]).catch(() => undefined);
    onSpent(`the budget of ${budgetText(limits)} is spent: ${leftText(limits, left, needed)}`);
  });

  async function look(): Promise<void> {
    const { own } = budget;
    budget.known(known(await reader.read(), limits), own);
  }

  const looking = lookout(look, (error) => onBlind(`what other workers spend is not known: ${messageOf(error)}`));
  const timer = topics.kind === 'kafka' ? setInterval(looking, lookMs) : undefined;
  return {
    get isIdle() {
      return budget.isIdle;
    },
    limited: (model, role) => {
      const config = role === 'judge' ? judgeOf(recipe)?.model : recipe.models[role];
      return budget.limited(model, config && priceOf(config));
    },
    close: () => clearInterval(timer),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Such as `2,000,000 tokens and $5`. */
export function budgetText({ tokens, usd }: RunBudgetConfig): string {
  return [...(tokens === undefined ? [] : [tokensText(tokens)]), ...(usd === undefined ? [] : [`$${usd}`])].join(
    ' and ',
  );
}

function leftText({ tokens, usd }: RunBudgetConfig, left: Spent, needed: Spent): string {
  const parts = [
    ...(tokens === undefined ? [] : [`${tokensText(left.tokens)} left, the next request may need ${needed.tokens}`]),
    ...(usd === undefined ? [] : [`${usdText(left.usd)} left, the next request may need ${usdText(needed.usd)}`]),
  ];
  return parts.join('; ');
}

function known({ tokens, usd }: { readonly tokens: number; readonly usd: number | null }, limits: RunBudgetConfig) {
  if (usd !== null) return { tokens, usd };
  if (limits.usd === undefined) return { tokens, usd: 0 };
  const text = 'target.budget.usd: earlier runs on this data folder asked a model without a price';
  throw new HeadwaterError(
    'recipe-invalid',
    `${text}, so that what they spent is not known: set target.budget.tokens instead, or begin in another folder with --data`,
  );
}

function tokensText(tokens: number): string {
  return `${Math.round(tokens).toLocaleString('en-US')} tokens`;
}

function usdText(usd: number): string {
  return `$${Number(usd.toPrecision(3))}`;
}
