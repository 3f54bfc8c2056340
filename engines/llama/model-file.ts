import { open } from 'node:fs/promises';

import type { LlamaModel } from 'node-llama-cpp';

import { HeadwaterError } from '../../schemas/errors.js';
import type { Runtime } from './binding.js';

/**
 * Loads a GGUF file. Rejects with code `model-missing`, `model-damaged` (not a GGUF file, cut, or unreadable) or
 * `model-too-large` (for the memory of this machine), naming the path.
 */
export async function loadModel({ binding, llama }: Runtime, name: string, file: string): Promise<LlamaModel> {
  const start = await head(name, file);
  if (start.toString('latin1', 0, 4) !== 'GGUF') throw damaged(name, file, misfit(start));
  try {
    return await llama.loadModel({ modelPath: file });
  } catch (cause) {
    if (cause instanceof binding.InsufficientMemoryError) {
      throw new HeadwaterError(
        'model-too-large',
        `the model '${name}' (${file}) does not fit into the free memory: close other programs, or take a smaller model`,
        { cause },
      );
    }
    throw damaged(name, file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function head(name: string, file: string): Promise<Buffer> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError(
      'model-missing',
      `the file of the model '${name}' cannot be read (${why}): run 'headwater models pull ${name}', or name another file`,
      { cause },
    );
  }
}

function misfit(start: Buffer): string {
  if (start.length === 0) return 'it is empty';
  if (/^\s*</.test(start.toString('latin1'))) return 'it is a web page';
  return 'it does not start with GGUF';
}

function damaged(name: string, file: string, why: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError(
    'model-damaged',
    `the file ${file} of the model '${name}' is not a whole GGUF file (${why}): remove it, then run 'headwater models pull ${name}'`,
    { cause },
  );
}
