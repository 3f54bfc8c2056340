import { createParser, type EventSourceParser } from 'eventsource-parser';

import type { Completion, TokenLogprob } from '../../operators/language-model.js';
import { type EventShape, shapeOf, textIn } from './event-shape.js';
import { Failure, malformed, reported } from './failure.js';
import { field, wellFormed } from './json.js';
import { logprobsIn, logprobsOf } from './logprobs.js';

/** What a server said, from a stream of events or one JSON document. */
export interface Answer {
  /** Up to the first stop text. */
  readonly text: string;
  readonly finishReason: Completion['finishReason'];
  /** Tokens as the server counted them; undefined where it did not, or was not heard to the end. */
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  /** Those of the prompt that the server had in its cache. */
  readonly cachedTokens: number | undefined;
  /** Of the tokens of the text; empty where the server gave none. */
  readonly logprobs: readonly TokenLogprob[];
  /** The model as the server names it. */
  readonly model: string | undefined;
}

/**
 * Reads an answer as it arrives, whatever its content type says: events where it starts like events, JSON where it starts like
 * JSON. Throws a `Failure` when it is neither, is cut, or reports an error. Keeps the text of one answer in memory.
 */
export class AnswerReader {
  readonly #stop: readonly string[];
  readonly #longestStop: number;
  /** The last characters of the text so far, in which a stop text may have begun. */
  #tail = '';
  #length = 0;
  readonly #parts: string[] = [];
  /** Where the stop text begins that was complete first. */
  #cut: number | undefined;
  #form: 'events' | 'json' | undefined;
  readonly #json: string[] = [];
  readonly #events: EventSourceParser;
  /** Of the events so far; their logprobs are not of a shape. */
  #shape: EventShape | undefined;
  #done = false;
  #chosen = false;
  #finish: string | undefined;
  #usage: unknown;
  #model: string | undefined;
  readonly #logprobs: TokenLogprob[] = [];

  constructor(stop: readonly string[] = []) {
    this.#stop = stop.filter((text) => text !== '');
    this.#longestStop = Math.max(0, ...this.#stop.map((text) => text.length));
    this.#events = createParser({
      onEvent: ({ data }) => this.#event(data),
      onError: (error) => {
        // Older llama.cpp servers report errors in a field of their own.
        if (error.field === 'error') throw reported(parsed(error.value ?? ''));
      },
    });
  }

  /** Takes the next piece of the body; false when no more of it is wanted. */
  read(piece: string): boolean {
    const text = this.#form === undefined ? piece.replace(/^[\uFEFF\s]+/, '') : piece;
    if (text === '') return true;
    this.#form ??= formOf(text);
    if (this.#form === 'json') this.#json.push(text);
    else this.#events.feed(text);
    return this.#cut === undefined;
  }

  /** The answer, once the body has ended or no more of it was wanted. */
  end(): Answer {
    if (this.#form === undefined) throw malformed('the answer is empty');
    if (this.#form === 'json') this.#take(parsed(this.#json.join('')));
    else if (this.#cut === undefined) this.#events.feed('\n\n');
    if (!this.#chosen) throw malformed('the answer has no choices');
    if (this.#form === 'events' && this.#cut === undefined && !this.#done && this.#finish === undefined) {
      throw malformed('the answer was cut before its end');
    }
    const text = wellFormed(this.#parts.join('').slice(0, this.#cut));
    return {
      text,
      finishReason: this.#cut === undefined ? finishReason(this.#finish) : 'stop',
      promptTokens: count(field(this.#usage, 'prompt_tokens')),
      completionTokens: count(field(this.#usage, 'completion_tokens')),
      cachedTokens: count(field(field(this.#usage, 'prompt_tokens_details'), 'cached_tokens')),
      logprobs: logprobsOf(this.#logprobs, text),
      model: this.#model,
    };
  }

  #event(data: string): void {
    if (this.#cut !== undefined) return;
    const text = this.#shape && textIn(data, this.#shape);
    if (text !== undefined) this.#append(text);
    else if (data.trim() === '[DONE]') this.#done = true;
    else this.#takeEvent(data);
  }

  /** What it says beside its text is the same in all events of its shape. */
  #takeEvent(data: string): void {
    const [parts, logprobs] = [this.#parts.length, this.#logprobs.length];
    this.#take(parsed(data));
    const text = this.#parts[parts];
    if (text !== undefined && this.#logprobs.length === logprobs) this.#shape = shapeOf(data, text) ?? this.#shape;
  }

  #take(chunk: unknown): void {
    const error = field(chunk, 'error');
    if (error !== undefined && error !== null) throw reported(error);
    const model = field(chunk, 'model');
    if (typeof model === 'string' && model !== '') this.#model ??= model.slice(0, 200);
    this.#usage = counted(field(chunk, 'usage')) ?? this.#usage;
    const choices = field(chunk, 'choices');
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
    if (typeof choice !== 'object' || choice === null) return;
    this.#chosen = true;
    this.#logprobs.push(...logprobsIn(choice));
    const said = field(choice, 'delta') ?? field(choice, 'message');
    this.#append(textOf(said === undefined || said === null ? field(choice, 'text') : field(said, 'content')));
    const finish = field(choice, 'finish_reason');
    if (typeof finish === 'string') this.#finish = finish;
  }

  #append(text: string): void {
    if (text === '') return;
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#stop.length === 0) return;
    const recent = this.#tail + text;
    const start = startOfFirst(this.#stop, recent);
    if (start !== undefined) this.#cut = this.#length - recent.length + start;
    this.#tail = this.#longestStop > 1 ? recent.slice(1 - this.#longestStop) : '';
  }
}

/** Where the stop text begins that is complete first, so that it does not matter in which pieces a text comes. */
function startOfFirst(stops: readonly string[], text: string): number | undefined {
  let first: { readonly start: number; readonly end: number } | undefined;
  for (const stop of stops) {
    const start = text.indexOf(stop);
    const end = start + stop.length;
    if (start === -1 || (first !== undefined && (end > first.end || (end === first.end && start > first.start))))
      continue;
    first = { start, end };
  }
  return first?.start;
}

function formOf(text: string): 'events' | 'json' {
  if (text.startsWith('<'))
    throw malformed('it answered with a web page; does url end in the path of the API, such as /v1?');
  return text.startsWith('{') || text.startsWith('[') ? 'json' : 'events';
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw malformed(`a part of the answer is not JSON: ${json.slice(0, 2000)}`);
  }
}

/** Some servers send a list of parts in place of a text. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => textOf(field(part, 'text'))).join('');
}

/** Why the model stopped, from what servers call it; a missing or unknown word counts as its own end. */
function finishReason(finish: string | undefined): Completion['finishReason'] {
  switch (finish) {
    case 'length':
    case 'max_tokens':
      return 'length';
    case 'content_filter':
      throw new Failure('endpoint-refused', 'its content filter withheld the answer', false);
    case 'abort':
    case 'error':
      throw malformed(`the server ended the answer with '${finish}'`);
    default:
      return 'stop';
  }
}

/** A usage that counts something: until its last chunk Ollama gives one of zeros, which would stand where an answer is cut before. */
function counted(usage: unknown): unknown {
  return ['prompt_tokens', 'completion_tokens'].some((name) => count(field(usage, name))) ? usage : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
