import type { Journal } from '../operators/journal.js';
import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../operators/language-model.js';
import { requestHash } from './request-hash.js';

/**
 * The same model, which is never asked what its journal has an answer for.
 *
 * A new answer is given out only once the journal holds it, so what was paid for is not lost in a crash. Requests need their
 * `cause` (`TypeError`). Equal requests that are open at the same time are each asked. Closing it closes the model.
 *
 * @example
 * ```ts
 * const model = journaled(openai({ url, model: 'qwen3-4b-base' }), context.journal);
 * ```
 */
export function journaled(model: LanguageModel, journal: Journal): LanguageModel {
  async function answer<Request extends CompletionRequest | ChatRequest>(
    request: Request,
    ask: (request: Request) => Promise<Completion>,
  ): Promise<Completion> {
    const { cause, signal } = request;
    if (cause === undefined) throw new TypeError('a journaled request needs `cause`, the id of the record it is for');
    signal?.throwIfAborted();
    const hash = requestHash(model.id, request);
    const known = journal.get(hash);
    if (known !== undefined) return known;
    const completion = await ask(request);
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
