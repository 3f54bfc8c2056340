import type { Recipe } from '../../schemas/recipe.js';
import { judgeOf } from '../../streams/river/judging.js';
import type { Problem } from './problem.js';

/** What the step `judge` asks of the rest of a recipe. */
export function judgeProblems(recipe: Recipe): readonly Problem[] {
  if (recipe.steps.judge === 'off') return [];
  const problems: Problem[] = [];
  if (judgeOf(recipe) === undefined) {
    const text = 'is missing: the step judge needs it, or models.instruct; add a model that is better than the writers';
    problems.push({ path: ['models', 'judge'], text });
  }
  if (recipe.inputs.real === undefined) {
    const text = 'is missing: the step judge shows each sample among three real records';
    problems.push({ path: ['inputs', 'real'], text });
  }
  return problems;
}

/** What is said of judging and has no effect. */
export function judgeWarnings({ models, steps }: Recipe): readonly Problem[] {
  if (steps.judge !== 'off' || models.judge === undefined) return [];
  return [{ path: ['models', 'judge'], text: 'has no effect without steps.judge: {}' }];
}
