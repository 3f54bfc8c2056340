import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';

import type { Meter } from '../../operators/meter.js';
import type { Answer } from './answer.js';
import type { PrefixStates } from './prefix-states.js';

/** A prompt to be evaluated and continued. */
export interface Work {
  /** At least one. */
  readonly tokens: readonly Token[];
  /** Where the evaluation of the prompt pauses, ascending; the last one is before the last token. */
  readonly ends: readonly number[];
  /** The keys of the starts up to `ends`. */
  readonly keys: readonly string[];
  /** The end up to which the caller says that prompts agree; 0 where it does not say. */
  readonly declared: number;
  readonly sampling: SequenceEvaluateOptions;
  readonly answer: Answer;
}

/** The ends of the chunks in which a prompt is evaluated: a pure function of the request, so that sums never differ. */
export function chunkEnds(length: number, shared: number, chunk: number): readonly number[] {
  const last = length - 1;
  const head = Math.min(shared, last);
  const ends: number[] = [];
  for (const [from, to] of [
    [0, head],
    [head, last],
  ] as const) {
    for (let at = from; at < to; ) {
      at = Math.min(at + chunk, to);
      ends.push(at);
    }
  }
  return ends;
}

/** States shorter than this cost more to load than to evaluate. */
const minSaved = 16;
/** Idle lanes are emptied after so many filler tokens. */
const maxFiller = 64;

/** One sequence of a context, and the work that it is given. */
export class Lane {
  readonly #sequence: LlamaContextSequence;
  readonly #states: PrefixStates;
  readonly #meter: Meter;
  #work: Work | undefined;
  #evaluated = 0;
  #tokens: AsyncGenerator<{ readonly token: Token }, void> | undefined;

  constructor(sequence: LlamaContextSequence, states: PrefixStates, meter: Meter) {
    this.#sequence = sequence;
    this.#states = states;
    this.#meter = meter;
  }

  /** Whether the prompt is evaluated up to its last token. */
  get ready(): boolean {
    return this.#tokens !== undefined;
  }

  /** Takes work; the sequence is emptied, and filled from the longest saved start of the prompt. */
  async begin(work: Work): Promise<void> {
    await this.end();
    this.#work = work;
    for (let index = work.ends.length - 1; index >= 0; index--) {
      if (await this.#load(work.keys[index] ?? '', work.ends[index] ?? 0)) break;
    }
    this.#readyAtLast(work);
  }

  /** Evaluates the next chunk of the prompt, and saves it where other prompts start alike. */
  async advance(): Promise<void> {
    const work = this.#work;
    const index = work?.ends.findIndex((end) => end > this.#evaluated) ?? -1;
    const end = work?.ends[index];
    if (work === undefined || end === undefined) return;
    await this.#sequence.evaluateWithoutGeneratingNewTokens(work.tokens.slice(this.#evaluated, end));
    this.#meter.count('llama_prompt_tokens', end - this.#evaluated);
    this.#evaluated = end;
    if (end >= minSaved && index === this.#worthSaving(work)) await this.#save(work.keys[index] ?? '');
    this.#readyAtLast(work);
  }

  /** The next token of the answer. Asked of many lanes in the order of their sequences, it makes one batch. */
  async next(): Promise<Token> {
    const result = await this.#tokens?.next();
    if (result === undefined || result.done === true) throw new Error('llama.cpp gave no next token');
    return result.value.token;
  }

  /** Evaluates a token that nobody reads, so that a batch has the rows that it needs. */
  async fill(token: Token): Promise<void> {
    await this.#sequence.evaluateWithoutGeneratingNewTokens([token]);
  }

  /** Makes room for filler. */
  async clearFiller(): Promise<void> {
    if (this.#sequence.nextTokenIndex >= maxFiller) await this.#sequence.clearHistory();
  }

  /** Drops the work and empties the sequence. */
  async end(): Promise<void> {
    const tokens = this.#tokens;
    this.#tokens = undefined;
    this.#work = undefined;
    this.#evaluated = 0;
    await tokens?.return();
    if (this.#sequence.nextTokenIndex > 0) await this.#sequence.clearHistory();
  }

  #readyAtLast(work: Work): void {
    if (this.#evaluated !== work.tokens.length - 1) return;
    this.#tokens = this.#sequence.evaluateWithMetadata(work.tokens.slice(-1), {}, work.sampling);
  }

  /** The last chunk whose end was declared as shared, or was seen in another prompt, else -1. */
  #worthSaving({ declared, ends, keys }: Work): number {
    if (declared > 0) return ends.indexOf(declared);
    return keys.findLastIndex((key) => this.#states.seen(key) > 1);
  }

  async #load(key: string, end: number): Promise<boolean> {
    const file = this.#states.get(key);
    if (file === undefined) return false;
    try {
      await this.#sequence.loadStateFromFile(file, { acceptRisk: true });
      this.#evaluated = end;
      this.#meter.count('llama_spared_tokens', end);
      return true;
    } catch {
      // Something removed the file: the start is evaluated again, with the same result.
      await this.#states.drop(key);
      await this.#sequence.clearHistory();
      return false;
    }
  }

  async #save(key: string): Promise<void> {
    if (this.#states.has(key)) return;
    try {
      await this.#states.put(key, (file) => this.#sequence.saveStateToFile(file));
    } catch {
      // A full temporary disk only costs time: the start is evaluated each time, with the same result.
      await this.#states.drop(key);
    }
  }
}
