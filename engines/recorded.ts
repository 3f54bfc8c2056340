import { appendFile } from 'node:fs/promises';

import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../operators/language-model.js';
import type { RecordedAnswer } from './recorded-answer.js';
import { requestHash } from './request-hash.js';

/**
 * The same model, whose answers are appended to a file from which `replay` answers.
 *
 * An answer is given out once its line is written; closing it closes the model.
 */
export function recorded(model: LanguageModel, options: { readonly file: string }): LanguageModel {
  async function keep(request: CompletionRequest | ChatRequest, completion: Completion): Promise<Completion> {
    const { id, structured } = model;
    const line: RecordedAnswer = { model: id, structured, request: requestHash(id, request), completion };
    await appendFile(options.file, `${JSON.stringify(line)}\n`);
    return completion;
  }
  return {
    id: model.id,
    maxInFlight: model.maxInFlight,
    structured: model.structured,
    complete: async (request) => keep(request, await model.complete(request)),
    chat: async (request) => keep(request, await model.chat(request)),
    close: () => model.close(),
  };
}
