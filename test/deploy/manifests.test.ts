import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';
import type { Document } from 'yaml';

import { loadRecipe } from '../../cli/recipe/load-recipe.js';
import { podProblems, scalerProblems, stageProblems, workloadProblems } from '../../deploy/check/worker-rules.mjs';
import type { Recipe } from '../../schemas/recipe.js';
import { idleParts } from '../../streams/river/parts.js';
import { runnableStages, type StageName, stagesOf } from '../../streams/river/stages.js';
import { changed, documentsOf, filesOf, kubernetes, manifest, repository, resourcesOf } from './manifest-files.js';

const folders = ['pipeline', 'worker', 'endless', 'autoscaled', 'fixed-target'];
const running = ['endless', 'fixed-target'];
const secrets = { KAFKA_PASSWORD: 'x', BASE_KEY: 'x', INSTRUCT_KEY: 'x' };
const args = ['spec', 'template', 'spec', 'containers', 0, 'args'];

let recipe: Recipe;
let knownFlags: readonly string[];

beforeAll(async () => {
  ({ recipe } = await loadRecipe(join(kubernetes, 'pipeline', 'recipe.yaml'), { set: [] }, secrets));
  const help = execFileSync('node', ['dist/cli/headwater.js', 'run', '--help'], { cwd: repository, encoding: 'utf8' });
  knownFlags = help.match(/--[a-z-]+/g) ?? [];
});

test.each(folders)('every file of %s is YAML, and kustomize takes it', (folder) => {
  const [kustomization] = documentsOf(join(folder, 'kustomization.yaml'));
  const text = JSON.stringify(kustomization);
  for (const file of filesOf(folder).filter((name) => name !== 'kustomization.yaml')) {
    expect(documentsOf(join(folder, file)).length).toBeGreaterThan(0);
    expect(text).toContain(`"${file}"`);
  }
});

describe.each(running)('the workers of %s', (folder) => {
  test('have resources, flags that the command knows, and a volume where they write files', () => {
    const problems = workloadProblems(resourcesOf(folder).map(manifest), { knownFlags });
    expect(problems).toEqual([]);
  });

  test('run every stage exactly once', () => {
    expect(stageProblems(resourcesOf(folder).map(manifest), { stages: runnableStages })).toEqual([]);
  });

  test('have probes, little rights, and time to drain', () => {
    const [pod] = documentsOf('worker/pod.yaml');
    const workers = resourcesOf(folder).filter(isWorkload);
    expect(workers.length).toBeGreaterThan(1);
    expect(podProblems(workers.map((worker) => manifest(withArgs(pod, worker))))).toEqual([]);
  });
});

test('KEDA watches the groups and topics that the recipe gives draft and refine', () => {
  const scalers = resourcesOf('autoscaled').filter((document) => document.get('kind') === 'ScaledObject');
  const inputs = { draft: inputOf('draft'), refine: inputOf('refine') };
  expect(scalers).toHaveLength(2);
  expect(
    scalerProblems(scalers.map(manifest), { recipe, inputs, models: { draft: 'base', refine: 'instruct' } }),
  ).toEqual([]);
});

test('a number of samples is asked of Jobs, and of no Deployment', () => {
  const sampled = running.map((folder) =>
    resourcesOf(folder).filter((document) => JSON.stringify(document.getIn(args) ?? []).includes('--samples=')),
  );
  expect(recipe.target).toEqual({ endless: true });
  expect(sampled.map((documents) => documents.map((document) => document.get('kind')))).toEqual([[], ['Job', 'Job']]);
});

test('the recipe holds no secret, and each variable that it names is set for every worker', () => {
  const named = JSON.stringify(recipe).match(/\$[A-Z_]+/g) ?? [];
  const [pod] = documentsOf('worker/pod.yaml');
  const variables = JSON.stringify(pod?.getIn(['spec', 'template', 'spec', 'containers', 0, 'env']));
  expect(named.toSorted()).toEqual(
    Object.keys(secrets)
      .map((name) => `$${name}`)
      .toSorted(),
  );
  for (const name of Object.keys(secrets)) expect(variables).toContain(`"name":"${name}"`);
});

/** The topic that a stage consumes. */
function inputOf(stage: StageName): string {
  return stagesOf(recipe, idleParts, [stage])[0]?.inputs[0] ?? '';
}

function isWorkload(document: Document): boolean {
  return document.get('kind') === 'Deployment' || document.get('kind') === 'Job';
}

/** The common pod with the arguments of one group of workers. */
function withArgs(pod: Document | undefined, worker: Document): Document {
  if (pod === undefined) throw new Error('worker/pod.yaml is empty');
  return changed(pod, args, worker.getIn(args));
}
