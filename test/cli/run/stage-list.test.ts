import { describe, expect, it } from 'vitest';

import { checkStages, stageList } from '../../../cli/run/stage-list.js';
import { recipe as recipeSchema } from '../../../schemas/recipe.js';

const recipe = recipeSchema.parse({
  name: 'mails',
  domain: { about: 'mails', fields: { text: {} } },
  inputs: { seeds: 'seeds.jsonl' },
  models: { base: { engine: 'openai', url: 'http://127.0.0.1:1/v1', model: 'base' } },
  steps: { refine: 'off' },
  target: { samples: 10 },
});

describe('the stages of a worker', () => {
  it('are in the order of the river, all of them where none is named', () => {
    expect(stageList('draft, plan')).toEqual(['plan', 'draft']);
    expect(stageList(undefined)).toContain('reason');
    expect(() => stageList('plan,write')).toThrow("--stages: there is no stage 'write'");
  });

  it('are refused where the recipe has none of them', () => {
    const message =
      '--stages: the recipe has no stage reason, judge: choose from its own, plan, draft, refine, align, shard, manifest';
    expect(() => checkStages(recipe, stageList('judge,reason'))).toThrow(
      expect.objectContaining({ code: 'recipe-invalid', message }),
    );
    expect(() => checkStages(recipe, stageList('reason,draft'))).not.toThrow();
    expect(() => checkStages(recipe, stageList(undefined))).not.toThrow();
  });
});
