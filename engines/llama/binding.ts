import type { Llama } from 'node-llama-cpp';

import { HeadwaterError } from '../../schemas/errors.js';

/** The module `node-llama-cpp`, which is an optional dependency. */
export type Binding = typeof import('node-llama-cpp');

/** llama.cpp, loaded into this process once and shared by all its models. */
export interface Runtime {
  readonly binding: Binding;
  readonly llama: Llama;
}

const runtimes = new Map<boolean, Promise<Runtime>>();

/** Loads llama.cpp, or gives what was loaded before. Rejects with code `engine-missing`. */
export function runtime(gpu: boolean): Promise<Runtime> {
  const known = runtimes.get(gpu);
  if (known !== undefined) return known;
  const loading = load(gpu);
  runtimes.set(gpu, loading);
  // A failure is not kept: the package may be installed meanwhile.
  loading.catch(() => runtimes.delete(gpu));
  return loading;
}

async function load(gpu: boolean): Promise<Runtime> {
  try {
    const binding = await import('node-llama-cpp');
    const llama = await binding.getLlama({
      gpu: gpu ? 'auto' : false,
      build: 'never',
      skipDownload: true,
      logLevel: binding.LlamaLogLevel.disabled,
      // Without a limit a context always gets the threads that it was given, whatever else runs.
      maxThreads: 0,
    });
    return { binding, llama };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError(
      'engine-missing',
      `the engine llama cannot be loaded (${why}): run 'npm install node-llama-cpp@3.22.1' on a platform that it has ` +
        "binaries for, or use the engine 'openai' with a server",
      { cause },
    );
  }
}
