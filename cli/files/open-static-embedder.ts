import { pull } from '../../engines/models/pull.js';
import { staticEmbedder } from '../../engines/static/static-embedder.js';
import type { Embedder } from '../../operators/embedder.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Io } from '../io.js';
import { downloads } from '../run/downloads.js';

/** The static embedder; its files are fetched where they are missing. Rejects as `pull` does, with another way out. */
export async function openStaticEmbedder(io: Io, signal: AbortSignal): Promise<Embedder> {
  const shown = downloads(io);
  try {
    const model = await pull('wordllama-256', { signal, onProgress: shown.progress });
    shown.pulled(model);
    const [weights = '', tokenizer = ''] = model.files.values();
    return await staticEmbedder({ weights, tokenizer });
  } catch (cause) {
    if (!(cause instanceof HeadwaterError) || cause.code !== 'model-missing') throw cause;
    const other =
      'Or run `headwater models pull wordllama-256` where there is a network, or take ready-made vectors with --vectors.';
    throw new HeadwaterError(cause.code, `${cause.message}\n${other}`, { cause });
  } finally {
    shown.done();
  }
}
