import type { Journal, PaidAnswers } from '../operators/journal.js';
import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../operators/language-model.js';
import { requestHash } from './request-hash.js';

export interface JournaledOptions {
  /** Looked through before the model is asked. What is found there is journaled like an answer. */
  readonly paid?: PaidAnswers | undefined;
}

/**
 * The same model, which is never asked what its journal, or another run's, has an answer for.
 *
 * A new answer is given out only once the journal holds it, so what was paid for is not lost in a crash; one that another record
 * or run had paid for is `reused`, and journaled for this record too. Requests need their `cause` (`TypeError`). Of equal
 * requests that are open at the same time one is asked; the others wait for it, and are asked in turn where it fails. Closing it
 * closes the model.
 *
 * @example
 * ```ts
 * const model = journaled(openai({ url, model: 'qwen3-4b-base' }), context.journal);
 * ```
 */
export function journaled(model: LanguageModel, journal: Journal, options: JournaledOptions = {}): LanguageModel {
  /** Requests that are being asked, until their answer is journaled or they have failed. */
  const asking = new Map<string, Promise<unknown>>();

  async function answer<Request extends CompletionRequest | ChatRequest>(
    request: Request,
    ask: (request: Request) => Promise<Completion>,
  ): Promise<Completion> {
    const { cause, signal } = request;
    if (cause === undefined) throw new TypeError('a journaled request needs `cause`, the id of the record it is for');
    const hash = requestHash(model.id, request);
    for (;;) {
      signal?.throwIfAborted();
      const known = journal.get(hash, cause);
      if (known !== undefined) return known;
      const other = asking.get(hash);
      if (other === undefined) break;
      await settled(other, signal);
    }
    const asked = answered(request, hash, cause, ask);
    asking.set(hash, asked);
    try {
      return await asked;
    } finally {
      asking.delete(hash);
    }
  }

  async function answered<Request extends CompletionRequest | ChatRequest>(
    request: Request,
    hash: string,
    cause: string,
    ask: (request: Request) => Promise<Completion>,
  ): Promise<Completion> {
    const found = journal.find(hash) ?? (await options.paid?.find(hash));
    request.signal?.throwIfAborted();
    return keep(hash, cause, found === undefined ? await ask(request) : { ...found, reused: true });
  }

  async function keep(hash: string, cause: string, completion: Completion): Promise<Completion> {
    await journal.put(hash, cause, completion);
    return completion;
  }

  return {
    id: model.id,
    maxInFlight: model.maxInFlight,
    structured: model.structured,
    complete: (request) => answer(request, (open) => model.complete(open)),
    chat: (request) => answer(request, (open) => model.chat(open)),
    close: () => model.close(),
  };
}

/** Resolves when a promise has settled, whichever way; rejects with the signal's reason where that comes first. */
async function settled(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
  });
  try {
    await Promise.race([Promise.allSettled([promise]), aborted]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
