import { mostTested } from '../../operators/kernels/sequential/calibrated-thresholds.js';
import { askedNames } from '../../operators/synalign/reason/attributes.js';
import type { Recipe } from '../../schemas/recipe.js';
import { reasonerOf, usesAttributes } from '../../streams/river/reasoner.js';
import type { Problem } from './problem.js';

/** What exploring, reasoning, aligning and steering ask of the rest of a recipe. */
export function synalignProblems(recipe: Recipe): readonly Problem[] {
  return [...realProblems(recipe), ...reasonProblems(recipe), ...steerProblems(recipe), ...driftProblems(recipe)];
}

/** What is said of them and has no effect. */
export function synalignWarnings(recipe: Recipe): readonly Problem[] {
  const { domain, inputs, steps, method } = recipe;
  const { explore, reason, align, steer } = steps;
  const idle = (name: string, why: string) => ({ path: ['steps', name], text: `has no effect with ${why}` });
  const all = [explore, reason, align, steer];
  return [
    ...(method === 'synalign' && all.every((step) => step === 'off')
      ? [{ path: ['method'], text: 'synalign with explore, reason, align and steer off is the same as bare' }]
      : []),
    ...(reason !== 'off' && !usesAttributes(recipe)
      ? [idle('reason', 'steps.draft.way: given, unless steps.refine has the style edit: it is left out')]
      : []),
    ...(explore !== 'off' && steps.draft.from === 'real'
      ? [{ path: ['steps', 'draft', 'from'], text: 'has no effect with steps.explore, which picks the examples' }]
      : []),
    ...(align !== 'off' && domain.label !== undefined && domain.label.shares !== 'real' && align.as !== 'weights'
      ? [{ path: ['domain', 'label', 'shares'], text: 'are held exactly, whatever steps.align drops' }]
      : []),
    ...(inputs.real !== undefined && explore !== 'off' && steer === 'off' && steps.rollingMmd !== 'off'
      ? [{ path: ['steps', 'steer'], text: 'is off: corrections are written, and change nothing' }]
      : []),
  ];
}

/** What is compared with real records, or drawn from them, cannot do without. */
function realProblems({ domain, inputs, steps }: Recipe): readonly Problem[] {
  if (inputs.real !== undefined) return [];
  const needs = (why: string, fix: string): Problem => ({
    path: ['inputs', 'real'],
    text: `is missing: ${why}; ${fix}`,
  });
  const off = (name: string) => `add it, or switch the step off with steps.${name}: off`;
  return [
    ...(steps.explore === 'off' ? [] : [needs('the step explore picks its examples from there', off('explore'))]),
    ...(steps.align === 'off' ? [] : [needs('the step align weights samples against it', off('align'))]),
    ...(domain.label?.shares === 'real'
      ? [needs('domain.label.shares: real follows its labels', 'add it, or say a share for each value')]
      : []),
  ];
}

function reasonProblems(recipe: Recipe): readonly Problem[] {
  const { domain, steps } = recipe;
  const { reason } = steps;
  if (reason === 'off' || !usesAttributes(recipe)) return [];
  if (askedNames(domain, reason.attributes).length === 0) {
    const text = `are all said by the plan itself (${reason.attributes.join(', ')}), so that nothing is left to ask: name another, or switch the step off`;
    return [{ path: ['steps', 'reason', 'attributes'], text }];
  }
  if (reasonerOf(recipe) !== undefined) return [];
  const text = `is missing: the step reason asks it; add a model, or switch the step off with steps.reason: off`;
  return [{ path: ['models', reason.role], text }];
}

function steerProblems({ domain, steps }: Recipe): readonly Problem[] {
  const problems: Problem[] = [];
  const path = ['steps', 'steer'];
  if (steps.steer !== 'off' && steps.explore === 'off') {
    const text =
      'needs steps.explore: corrections change which real records are picked; switch explore on, or steer off';
    problems.push({ path, text });
  }
  if (steps.steer !== 'off' && steps.rollingMmd === 'off') {
    const text = 'needs steps.rollingMmd, which writes the corrections: switch that on, or steer off';
    problems.push({ path, text });
  }
  if (domain.label?.shares === 'real' && steps.explore === 'off') {
    const text =
      'real needs steps.explore, which reads the real stream where plans are made: switch it on, or say a share for each value';
    problems.push({ path: ['domain', 'label', 'shares'], text });
  }
  return problems;
}

/** What the test for drift needs to be calibrated; NEWMA needs nothing. */
function driftProblems({ steps: { rollingMmd } }: Recipe): readonly Problem[] {
  if (rollingMmd === 'off' || rollingMmd.drift === 'off' || rollingMmd.drift.test === 'newma') return [];
  const { window, reference, expectedRunTime } = rollingMmd.drift;
  const wrong = (key: string, text: string): Problem => ({ path: ['steps', 'rollingMmd', 'drift', key], text });
  const most = Math.min(rollingMmd.window, mostTested);
  return [
    ...(window > most
      ? [
          wrong(
            'window',
            `${window} is above ${most}: the test holds at most ${mostTested} records, and what steps.rollingMmd.window keeps`,
          ),
        ]
      : []),
    ...(reference < 4 * window
      ? [
          wrong(
            'reference',
            `${reference} is below 4 times the window of ${window}: thresholds are calibrated by splitting it`,
          ),
        ]
      : []),
    ...(expectedRunTime < window
      ? [
          wrong(
            'expectedRunTime',
            `${expectedRunTime} is below the window of ${window}: no test can raise alarms that often`,
          ),
        ]
      : []),
  ];
}
