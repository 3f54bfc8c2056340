import type { Completion } from '../../operators/language-model.js';
import { AnswerReader } from '../openai/answer.js';
import { completionOf } from '../openai/completion.js';
import { refused } from '../openai/failure.js';
import { chatBody, completionBody, type Dialect, opening } from '../openai/payload.js';
import type { Asked } from './asked.js';
import { type Result, requestLine } from './lines.js';
import type { BatchSettings } from './options.js';

/** The line of an input file that asks a request, in a dialect; without its line end. */
export function lineOf({ key, route, request }: Asked, model: string, dialect: Dialect): string {
  const json =
    'prompt' in request
      ? completionBody(model, request, dialect, undefined)
      : chatBody(model, request, dialect, undefined);
  const { stream: _, ...body } = JSON.parse(json);
  return requestLine(key, route, body);
}

/** The completion that a result holds; throws a `Failure` where the request was refused, or is not answered so that it can be read. */
export function completionIn(
  { status, body }: Result,
  asked: Asked,
  { model, price }: Pick<BatchSettings, 'model' | 'price'>,
  now: number,
): Completion {
  if (status < 200 || status >= 300) throw refused(status, {}, JSON.stringify(body), now);
  const { request, startedAt, failed } = asked;
  const reader = new AnswerReader(request.stop);
  reader.read(JSON.stringify(body));
  const opened = 'prompt' in request ? '' : opening(request);
  const sent = { model, price, opening: opened, startedAt, milliseconds: now - startedAt, attempts: failed + 1 };
  return completionOf(request, reader.end(), sent);
}
