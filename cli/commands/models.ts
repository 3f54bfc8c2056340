import { type ModelStatus, modelStatus } from '../../engines/models/model-status.js';
import { pull } from '../../engines/models/pull.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { exitCodes } from '../exit-codes.js';
import type { Io } from '../io.js';
import { downloads } from '../run/downloads.js';
import { interruption } from '../signals.js';

export interface ModelsOptions {
  readonly action?: string;
  readonly name?: string;
}

/** `headwater models`: what there is, under which licence, and where; `models pull NAME` fetches one. */
export async function models({ action, name }: ModelsOptions, io: Io): Promise<number> {
  if (action === 'pull' && name !== undefined) return pullOne(name, io);
  if (action !== undefined && action !== 'list') {
    throw new HeadwaterError('recipe-invalid', 'models: expected nothing, or `pull` and the name of a model');
  }
  const found = await modelStatus();
  if (io.json) io.out(`${JSON.stringify(found, null, 2)}\n`);
  else for (const model of found) io.out(`${lines(model).join('\n')}\n\n`);
  return exitCodes.done;
}

async function pullOne(name: string, io: Io): Promise<number> {
  const shown = downloads(io);
  const interrupted = interruption();
  try {
    const model = await pull(name, { signal: interrupted.soon, onProgress: shown.progress });
    shown.pulled(model);
    const files = [...model.files.values()];
    io.out(io.json ? `${JSON.stringify({ name, files }, null, 2)}\n` : `${files.join('\n')}\n`);
    return exitCodes.done;
  } catch (error) {
    if (interrupted.soon.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    shown.done();
    interrupted.release();
  }
}

function lines({ name, role, about, licence, present, bytes, files }: ModelStatus): readonly string[] {
  return [
    `${name}  (${role}, ${(bytes / 2 ** 20).toFixed(0)} MiB, ${present ? 'present' : 'not fetched yet'})`,
    `  ${about}`,
    `  licence: ${licence.name}, ${licence.url}`,
    ...files.map(({ path, state }) => `  ${path}: ${state}`),
  ];
}
