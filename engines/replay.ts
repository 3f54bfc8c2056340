import { readFile } from 'node:fs/promises';

import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../operators/language-model.js';
import { HeadwaterError } from '../schemas/errors.js';
import { firstIssue } from '../schemas/record.js';
import { type RecordedAnswer, recordedAnswer } from './recorded-answer.js';
import { requestHash } from './request-hash.js';

/**
 * A model that answers from a file of recorded answers, and asks nobody.
 *
 * The file has one JSON object a line, as `recorded` writes it; of several answers to a request the first counts, and a last
 * line that was cut by a crash is left out. All answers are kept in memory. The id is the recorded model's (of several: all of
 * them, joined by `+`). Rejects with `input-unreadable`, `record-undecodable` or `record-invalid`, naming the line; a request
 * without an answer rejects with `journal-missing`.
 */
export async function replay(options: { readonly file: string }): Promise<LanguageModel> {
  const answers = parsed(options.file, await contents(options.file));
  const models = [...new Set(answers.map(({ model }) => model))];
  // Of several answers the first, so it is set last.
  const byRequest = new Map(answers.toReversed().map(({ request, completion }) => [request, completion]));

  async function answer(request: CompletionRequest | ChatRequest): Promise<Completion> {
    request.signal?.throwIfAborted();
    for (const model of models) {
      const completion = byRequest.get(requestHash(model, request));
      if (completion !== undefined) return completion;
    }
    const asked = 'prompt' in request ? request.prompt : (request.messages.at(-1)?.content ?? '');
    const end = JSON.stringify(asked.slice(-80));
    throw new HeadwaterError(
      'journal-missing',
      `${options.file} has no answer to a request ending in ${end}; record it with the same prompts, seed and sampling`,
    );
  }
  return {
    id: models.join('+'),
    maxInFlight: 256,
    structured: answers.some(({ structured }) => structured),
    complete: answer,
    chat: answer,
    close: async () => undefined,
  };
}

async function contents(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HeadwaterError('input-unreadable', `${file} cannot be read; it must be a file of recorded answers`, {
      cause,
    });
  }
}

function parsed(file: string, text: string): readonly RecordedAnswer[] {
  const lines = text.split('\n');
  if (isCut(lines.at(-1) ?? '')) lines.pop();
  const whole = lines.flatMap((line, index) => (line.trim() === '' ? [] : [at(file, index + 1, line)]));
  if (whole.length === 0) throw new HeadwaterError('input-unreadable', `${file} has no recorded answers`);
  return whole;
}

/** Whether what follows the last line break is the start of a line whose writer died. */
function isCut(rest: string): boolean {
  return rest !== '' && !rest.endsWith('}');
}

function at(file: string, number: number, line: string): RecordedAnswer {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new HeadwaterError('record-undecodable', `${file}:${number} is not JSON`, { cause });
  }
  const result = recordedAnswer.safeParse(json);
  if (result.success) return result.data;
  throw new HeadwaterError('record-invalid', `${file}:${number} ${firstIssue(result.error)}`);
}
