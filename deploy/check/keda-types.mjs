import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const compiler = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));

/**
 * Holds KEDA's resources against its types, by compiling each as a literal: unknown and missing fields and wrong types are
 * errors of the compiler, whose lines are returned. `models` is a folder with `@kubernetes-models/keda` installed.
 */
export async function kedaProblems(documents, models) {
  const folder = await mkdtemp(join(models, 'manifests-'));
  try {
    const files = await Promise.all(documents.map((document, index) => written(folder, document, index)));
    const flags = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      '',
    ];
    const output = await new Promise((resolve, reject) => {
      execFile(compiler, [...flags, ...files], { cwd: folder }, (error, stdout) => {
        if (error && stdout === '') reject(error);
        else resolve(stdout);
      });
    });
    return output.split('\n').filter((line) => line.includes('error TS'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function written(folder, document, index) {
  const { kind, metadata } = document;
  const file = join(folder, `${kind}-${metadata.name}-${index}.ts`);
  const type = `import type { I${kind} } from '@kubernetes-models/keda/keda.sh/v1alpha1/${kind}';\n`;
  await writeFile(file, `${type}export const manifest: I${kind} = ${JSON.stringify(document, null, 2)};\n`);
  return file;
}
