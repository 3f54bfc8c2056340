import type { Recipe } from '../../schemas/recipe.js';

/** What of a recipe may change between two runs on one data folder, `*` standing for any key: no sample depends on it. */
const mayDiffer: readonly string[] = [
  'target',
  'window',
  'models.*.url',
  'models.*.key',
  'models.*.price',
  'models.*.budget',
  'models.*.onModelChange',
  'models.*.requests',
  'models.*.pause',
  'models.*.poll',
  'models.*.maxInFlight',
  'models.*.limit',
  'models.*.hedge',
  'models.*.patience',
  'models.*.timeoutMs',
  'models.*.retries',
  'models.*.threads',
  'models.*.sequences',
  'shards.every',
  'topics.dir',
  'topics.retention',
  'topics.brokers',
  'topics.clientId',
  'topics.replicas',
  'topics.session',
  'topics.compression',
  'topics.commit',
  'topics.ssl',
  'topics.sasl',
  'inputs.*.registry',
  'steps.rollingMmd.alpha',
];

/** What came after the first folders were written, with the value that is as if it were not there. */
const leftOutWhen: Readonly<Record<string, unknown>> = {
  'steps.explore': 'off',
  'steps.reason': 'off',
  'steps.align': 'off',
  'steps.steer': 'off',
  'steps.rollingMmd.drift': 'off',
  'steps.rollingMmd.drift.test': 'calibrated',
};

/** A recipe as plain JSON without what may differ: a data folder belongs to the recipes that have the same. */
export type RecipeIdentity = Readonly<Record<string, unknown>>;

const ignored = mayDiffer.map((pattern) => pattern.split('.'));

export function recipeIdentity(recipe: Recipe): RecipeIdentity {
  const json: unknown = JSON.parse(JSON.stringify({ ...recipe, topics: withPrefix(recipe) }));
  if (!isMapping(json)) return {};
  // Objects are compared without their order, which decides how a draft opens and how columns lie.
  return { ...kept(json, []), fieldOrder: Object.keys(recipe.domain.fields) };
}

/** A prefix that is not named is the recipe's name. */
function withPrefix({ topics, name }: Recipe): Recipe['topics'] {
  return topics.kind === 'kafka' ? { ...topics, prefix: topics.prefix ?? name } : topics;
}

function kept(mapping: RecipeIdentity, path: readonly string[]): RecipeIdentity {
  const entries = Object.entries(mapping).flatMap(([key, value]): [string, unknown][] => {
    const here = [...path, key];
    if (ignored.some((pattern) => matches(pattern, here))) return [];
    if (leftOutWhen[here.join('.')] === value) return [];
    return [[key, isMapping(value) ? kept(value, here) : value]];
  });
  return Object.fromEntries(entries);
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.length === path.length && pattern.every((key, index) => key === '*' || key === path[index]);
}

function isMapping(value: unknown): value is RecipeIdentity {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
