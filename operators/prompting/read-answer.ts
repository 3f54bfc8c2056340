import type { Completion } from '../language-model.js';
import type { Parsed, ParseFailure } from './parse.js';

/** Why an answer gives no text: `cut`, where it did not end within its tokens; else why it cannot be parsed. */
export interface Failure {
  readonly reason: ParseFailure['reason'] | 'cut';
  /** For a person. */
  readonly detail: string;
}

/** Characters of an answer that are parsed at most, for each text that it shall hold. */
export const longestAnswer = 2 ** 20;

/**
 * The text of an answer, by the way its layout is parsed; never throws. One that was cut is not looked at, since its last field
 * may look whole, and neither is one of more characters than any text has (`unparsable`), so that time is bounded.
 */
export function readAnswer(
  { text, finishReason }: Pick<Completion, 'text' | 'finishReason'>,
  maxTokens: number,
  parse: (text: string) => Parsed,
): Exclude<Parsed, ParseFailure> | Failure {
  if (finishReason === 'length') return { reason: 'cut', detail: `no end within ${maxTokens} tokens` };
  return tooLong(text, longestAnswer) ?? parse(text);
}

/** The failure of an answer that is longer than is parsed. */
export function tooLong(text: string, longest: number): Failure | undefined {
  if (text.length <= longest) return undefined;
  return { reason: 'unparsable', detail: `an answer of ${text.length} characters, more than ${longest}` };
}
