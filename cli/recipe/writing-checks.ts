import type { Recipe } from '../../schemas/recipe.js';
import { askedBy } from '../../streams/river/drafter.js';
import { reasonerOf } from '../../streams/river/reasoner.js';
import type { Problem } from './problem.js';

/** What the ways to write and to refine ask of the rest of a recipe. */
export function writingProblems({ inputs, models, steps }: Recipe): readonly Problem[] {
  const { way, from, answer } = steps.draft;
  const problems: Problem[] = [];
  const role = askedBy[way];
  const refines = steps.refine !== 'off';
  if (role === 'base' && models.base === undefined) {
    const text =
      'is missing: steps.draft.way: base needs it; add a model, or let an instruct model draft with way: few-shot';
    problems.push({ path: ['models', 'base'], text });
  }
  if (role === 'instruct' && models.instruct === undefined) {
    problems.push({ path: ['models', 'instruct'], text: `is missing: steps.draft.way: ${way} needs it; add a model` });
  } else if (refines && models.instruct === undefined) {
    const text = 'is missing: the step refine needs it; add a model, or switch the step off with steps.refine: off';
    problems.push({ path: ['models', 'instruct'], text });
  }
  if (way === 'base' && answer === 'json') {
    const text =
      'json needs an instruct model: a base model continues text in a layout; leave it out, or take another way';
    problems.push({ path: ['steps', 'draft', 'answer'], text });
  }
  if (way === 'given' && inputs.drafts === undefined) {
    problems.push({
      path: ['inputs', 'drafts'],
      text: 'is missing: steps.draft.way: given takes its texts from there',
    });
  }
  if (from === 'real' && inputs.real === undefined) {
    problems.push({ path: ['inputs', 'real'], text: 'is missing: steps.draft.from: real takes examples from there' });
  }
  return problems;
}

/** What is said of writing and has no effect. */
export function writingWarnings(recipe: Recipe): readonly Problem[] {
  const { inputs, models, steps } = recipe;
  const { way, personas, layout, answer } = steps.draft;
  const warnings: Problem[] = [];
  const idle = (path: readonly string[], why: string) => warnings.push({ path, text: `has no effect with ${why}` });
  const refines = steps.refine !== 'off';
  const writer = `steps.draft.way: ${way}`;
  const reasons = reasonerOf(recipe)?.role;
  if (askedBy[way] !== 'base' && reasons !== 'base' && models.base !== undefined) idle(['models', 'base'], writer);
  const judges = steps.judge !== 'off' && models.judge === undefined;
  if (askedBy[way] !== 'instruct' && !refines && !judges && reasons !== 'instruct' && models.instruct !== undefined) {
    idle(['models', 'instruct'], 'steps.refine: off');
  }
  if (askedBy[way] !== 'instruct' && personas !== undefined) idle(['steps', 'draft', 'personas'], writer);
  if (way !== 'given' && inputs.drafts !== undefined) idle(['inputs', 'drafts'], writer);
  if (layout !== undefined && way === 'given') idle(['steps', 'draft', 'layout'], writer);
  if (layout !== undefined && answer === 'json') idle(['steps', 'draft', 'layout'], 'answer: json');
  if (steps.refine !== 'off') {
    const { style, layout: own, answer: asked } = steps.refine;
    if (own !== undefined && asked === 'json') idle(['steps', 'refine', 'layout'], 'answer: json');
    if (style === 'copy-edit' && own !== undefined) idle(['steps', 'refine', 'layout'], 'style: copy-edit');
    if (style === 'copy-edit' && asked === 'json') idle(['steps', 'refine', 'answer'], 'style: copy-edit');
  }
  return warnings;
}
