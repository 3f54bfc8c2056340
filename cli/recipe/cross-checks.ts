import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import { foreignTopicProblems } from './foreign-topic-checks.js';
import { kafkaProblems, kafkaWarnings } from './kafka-checks.js';
import type { Problem } from './problem.js';

/** What the parts of a recipe ask of one another. */
export function crossChecks(recipe: Recipe): readonly Problem[] {
  const { models, steps, domain } = recipe;
  const problems: Problem[] = [];
  if (steps.refine !== 'off' && models.instruct === undefined) {
    const text = 'is missing: the step refine needs it; add a model, or switch the step off with steps.refine: off';
    problems.push({ path: ['models', 'instruct'], text });
  }
  for (const [name, values] of [['domain.label.values', domain.label?.values ?? []] as const, ...lists(recipe)]) {
    const twice = values.find((value, index) => values.indexOf(value) !== index);
    if (twice !== undefined) problems.push({ path: name.split('.'), text: `'${twice}' is there twice` });
  }
  for (const [name, { minLength, maxLength }] of Object.entries(domain.fields)) {
    if (minLength > maxLength) {
      problems.push({
        path: ['domain', 'fields', name],
        text: `minLength ${minLength} is above maxLength ${maxLength}`,
      });
    }
  }
  return [...problems, ...foreignTopicProblems(recipe), ...kafkaProblems(recipe)];
}

/** What is allowed and has no effect, or another one than a reader may expect. */
export function crossWarnings(recipe: Recipe): readonly Problem[] {
  const { inputs, models, steps, domain } = recipe;
  const warnings: Problem[] = [];
  if (inputs.documents !== undefined) {
    warnings.push({ path: ['inputs', 'documents'], text: 'has no effect with method: bare' });
  }
  if (inputs.real === undefined && steps.rollingMmd !== 'off') {
    warnings.push({ path: ['inputs'], text: 'without real, the distance to the real distribution is not measured' });
  }
  if (steps.refine === 'off' && models.instruct !== undefined) {
    warnings.push({ path: ['models', 'instruct'], text: 'has no effect with steps.refine: off' });
  }
  const sum = domain.label?.shares?.reduce((total, share) => total + share, 0) ?? 1;
  if (Math.abs(sum - 1) > 0.01) {
    warnings.push({ path: ['domain', 'label', 'shares'], text: `add up to ${sum}: they are taken as proportions` });
  }
  return [...warnings, ...kafkaWarnings(recipe)];
}

/** The language models that the steps use, by role. */
export function modelsInUse({ models, steps }: Recipe): ReadonlyMap<'base' | 'instruct', LanguageModelConfig> {
  const used = new Map<'base' | 'instruct', LanguageModelConfig>([['base', models.base]]);
  if (steps.refine !== 'off' && models.instruct !== undefined) used.set('instruct', models.instruct);
  return used;
}

function lists({ domain }: Recipe): (readonly [path: string, values: readonly string[]])[] {
  return Object.entries(domain.vary).map(([name, values]) => [`domain.vary.${name}`, values] as const);
}
