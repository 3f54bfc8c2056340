import type { LanguageModelConfig } from '../../schemas/models-config.js';
import type { Recipe } from '../../schemas/recipe.js';
import { drafterOf } from '../../streams/river/drafter.js';
import { judgeOf, type ModelRole } from '../../streams/river/judging.js';
import { reasonerOf } from '../../streams/river/reasoner.js';
import { budgetProblems } from './budget-checks.js';
import { foreignTopicProblems } from './foreign-topic-checks.js';
import { judgeProblems, judgeWarnings } from './judge-checks.js';
import { kafkaProblems, kafkaWarnings } from './kafka-checks.js';
import type { Problem } from './problem.js';
import { synalignProblems, synalignWarnings } from './synalign-checks.js';
import { writingProblems, writingWarnings } from './writing-checks.js';

/** What the parts of a recipe ask of one another. */
export function crossChecks(recipe: Recipe): readonly Problem[] {
  const { domain } = recipe;
  const problems: Problem[] = [...writingProblems(recipe), ...synalignProblems(recipe), ...judgeProblems(recipe)];
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
  return [
    ...problems,
    ...budgetProblems(recipe, modelsInUse(recipe)),
    ...foreignTopicProblems(recipe),
    ...kafkaProblems(recipe),
  ];
}

/** What is allowed and has no effect, or another one than a reader may expect. */
export function crossWarnings(recipe: Recipe): readonly Problem[] {
  const { inputs, steps, domain } = recipe;
  const warnings: Problem[] = [...writingWarnings(recipe), ...synalignWarnings(recipe), ...judgeWarnings(recipe)];
  if (inputs.real === undefined && steps.rollingMmd !== 'off') {
    warnings.push({ path: ['inputs'], text: 'without real, the distance to the real distribution is not measured' });
  }
  const shares = domain.label?.shares;
  const sum = Array.isArray(shares) ? shares.reduce((total, share) => total + share, 0) : 1;
  if (Math.abs(sum - 1) > 0.01) {
    warnings.push({ path: ['domain', 'label', 'shares'], text: `add up to ${sum}: they are taken as proportions` });
  }
  return [...warnings, ...kafkaWarnings(recipe)];
}

/** The language models that the steps use, by role. */
export function modelsInUse(recipe: Recipe): ReadonlyMap<ModelRole, LanguageModelConfig> {
  const { models, steps } = recipe;
  const used = new Map<ModelRole, LanguageModelConfig>();
  const drafter = drafterOf(recipe);
  if (drafter !== undefined) used.set(drafter.role, drafter.model);
  const reasoner = reasonerOf(recipe);
  if (reasoner !== undefined) used.set(reasoner.role, reasoner.model);
  if (steps.refine !== 'off' && models.instruct !== undefined) used.set('instruct', models.instruct);
  const judging = judgeOf(recipe);
  if (judging !== undefined) used.set(judging.role, judging.model);
  return used;
}

function lists({ domain }: Recipe): (readonly [path: string, values: readonly string[]])[] {
  return Object.entries(domain.vary).map(([name, values]) => [`domain.vary.${name}`, values] as const);
}
