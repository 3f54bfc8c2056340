// `npm run check:deploy`: holds what is under deploy/ against real tools, which it fetches once into the user's cache folder.
// Ends with 1 where a check fails, and also where a tool cannot be had: what was not checked has not passed.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { parseAllDocuments } from 'yaml';

import { kedaProblems } from './keda-types.mjs';
import { hadolint, kedaModels, kubernetesValidate, kustomize } from './tools.mjs';
import {
  budgetProblems,
  podProblems,
  referenceProblems,
  scalerProblems,
  stageProblems,
  workloadProblems,
} from './worker-rules.mjs';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const kubernetes = join(root, 'deploy', 'kubernetes');
const pipeline = join(kubernetes, 'pipeline');
const overlays = ['endless', 'autoscaled', 'fixed-target'];
/** The oldest release that takes all that the manifests use, and the newest that the validator knows. */
const releases = ['1.31', '1.37'];
const withoutSchema = /^WARN .* kind (ScaledObject|TriggerAuthentication) /;

const notChecked = [
  'docker build: no daemon is asked, so the stages of the Dockerfile are linted and not run',
  'admission: no cluster is asked, so quotas, policies and the names of classes and endpoints are not known',
  'KEDA: its types are checked, and its trigger against the recipe; no operator reads a lag',
];

const workplace = await mkdtemp(join(tmpdir(), 'headwater-check-deploy-'));
let failed = 0;

/** `work` resolves with its problems, as sentences. */
async function check(name, work) {
  const started = performance.now();
  const problems = await work().catch((error) => [error.message]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  for (const problem of problems) process.stdout.write(`         ${problem}\n`);
  if (problems.length > 0) failed += 1;
}

/** What a command printed; it may fail, where its output says why. */
async function printed(command, args, options = {}) {
  try {
    return (await execute(command, args, { maxBuffer: 2 ** 26, ...options })).stdout;
  } catch (error) {
    if (typeof error.code === 'number' && error.stdout) return error.stdout;
    throw error.stderr ? new Error(error.stderr.trim()) : error;
  }
}

/** The documents of an overlay as `kubectl apply -k` would send them, and the file that holds them. */
async function built(folder, name) {
  const yaml = await printed(await kustomize(), ['build', folder]);
  const file = join(workplace, `${name}.yaml`);
  await writeFile(file, yaml);
  return { file, documents: documentsOf(yaml) };
}

function documentsOf(yaml) {
  return parseAllDocuments(yaml).map((document) => document.toJS());
}

/** What the compiled program says of itself: stages, flags, recipe. */
async function facts() {
  if (!existsSync(join(root, 'dist', 'cli', 'headwater.js'))) throw new Error('dist is missing: run `npm run build`');
  const { recipe } = await import('../../dist/schemas/recipe.js');
  const { idleParts, runnableStages, stagesOf } = await import('../../dist/streams/river/stages.js');
  const source = await readFile(join(pipeline, 'recipe.yaml'), 'utf8');
  const parsed = recipe.parse(documentsOf(source)[0]);
  const inputOf = (stage) => stagesOf(parsed, idleParts, [stage])[0].inputs[0];
  const help = await printed('node', ['dist/cli/headwater.js', 'run', '--help'], { cwd: root });
  return {
    recipe: parsed,
    stages: runnableStages,
    knownFlags: help.match(/--[a-z-]+/g),
    inputs: { draft: inputOf('draft'), refine: inputOf('refine') },
    models: { draft: 'base', refine: 'instruct' },
  };
}

async function schemaProblems(files) {
  const validator = await kubernetesValidate();
  const lines = await Promise.all(
    releases.map((release) => printed(validator, ['--strict', '--kubernetes-version', release, ...files])),
  );
  return lines
    .flatMap((output) => output.split('\n'))
    .filter((line) => line !== '' && !line.startsWith('INFO') && !withoutSchema.test(line));
}

/** The overlay of docs/deploy.md, so that what people copy builds. */
async function documentedOverlay() {
  const text = await readFile(join(root, 'docs', 'deploy.md'), 'utf8');
  const [, overlay] = /```yaml\n(# my-pipeline\/kustomization\.yaml\n[\s\S]*?)```/.exec(text) ?? [];
  if (overlay === undefined) throw new Error('docs/deploy.md has no my-pipeline/kustomization.yaml');
  const folder = join(workplace, 'my-pipeline');
  await mkdir(folder);
  await symlink(root, join(workplace, 'headwater'));
  await writeFile(join(folder, 'kustomization.yaml'), overlay);
  for (const file of ['recipe.yaml', 'seeds.jsonl']) await copyFile(join(pipeline, file), join(folder, file));
  return built(folder, 'documented');
}

try {
  // Together, as each waits for another registry.
  await Promise.allSettled([hadolint(), kustomize(), kedaModels()]);

  await check('Dockerfile, by hadolint', async () => {
    const output = await printed(await hadolint(), ['--no-color', join(root, 'deploy', 'docker', 'Dockerfile')]);
    return output.split('\n').filter(Boolean);
  });

  const secretFile = join(kubernetes, 'secret.example.yaml');
  const secrets = documentsOf(await readFile(secretFile, 'utf8'));
  await check(`secret.example.yaml, against the schemas of Kubernetes ${releases.join(' and ')}`, () =>
    schemaProblems([secretFile]),
  );

  for (const overlay of overlays) {
    let documents = [];
    await check(`${overlay}, by kustomize and the schemas of Kubernetes ${releases.join(' and ')}`, async () => {
      const result = await built(join(kubernetes, overlay), overlay);
      documents = result.documents;
      return schemaProblems([result.file]);
    });
    if (documents.length === 0) continue;
    await check(`${overlay}, by our own rules for workers (${documents.length} resources)`, async () => {
      const known = await facts();
      return [
        ...podProblems(documents),
        ...workloadProblems(documents, known),
        ...stageProblems(documents, known),
        ...budgetProblems(documents),
        ...referenceProblems(documents, secrets),
        ...scalerProblems(documents, known),
      ];
    });
    const scaling = documents.filter(({ apiVersion }) => apiVersion.startsWith('keda.sh/'));
    if (scaling.length > 0) {
      await check(`${overlay}, ${scaling.length} resources of KEDA against its types`, async () =>
        kedaProblems(scaling, await kedaModels()),
      );
    }
  }

  await check('the overlay of docs/deploy.md, by kustomize and schemas', async () => {
    const { file, documents } = await documentedOverlay();
    return [...(await schemaProblems([file])), ...referenceProblems(documents, secrets)];
  });
} finally {
  await rm(workplace, { recursive: true, force: true });
}

process.stdout.write(`\nNot checked here:\n${notChecked.map((line) => `  ${line}\n`).join('')}`);
process.exitCode = failed === 0 ? 0 : 1;
