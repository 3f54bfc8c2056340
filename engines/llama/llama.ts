import type { LlamaContext, LlamaGrammar, LlamaGrammarEvaluationState, LlamaModel } from 'node-llama-cpp';

import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../operators/language-model.js';
import { type Meter, silent } from '../../operators/meter.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { Answer } from './answer.js';
import { Batch } from './batch.js';
import { type Runtime, runtime } from './binding.js';
import { Grammars } from './grammars.js';
import { chunkEnds, Lane } from './lane.js';
import { loadModel } from './model-file.js';
import { checkedOptions, type LlamaOptions, type LlamaSettings } from './options.js';
import { PrefixStates } from './prefix-states.js';
import { type Prompt, Prompts } from './prompts.js';
import { rowsOf } from './rows.js';
import { sampler } from './sampling.js';

export type { LlamaOptions } from './options.js';

/** Prompt tokens evaluated at a time: about the longest wait for an abort, and near the best speed. */
const chunk = 64;
/** Saved starts of prompts; about 20 kB a token each, on the temporary disk. */
const maxStates = 8;

/**
 * A GGUF model in this process, through llama.cpp: base models complete, instruct models also chat.
 *
 * Requests are batched token by token, up to `sequences` of them; more wait, first come, first served. On a CPU the same
 * request with the same seed gives the same text, whatever runs beside it or ran before. Starts that prompts share are
 * evaluated once. Grammars and JSON Schemas bind. The cost is 0: local compute is not priced. Usage counts every token
 * sampled, also those of the stop text and of the end. Rejects with `engine-missing`, `model-missing`, `model-damaged` or
 * `model-too-large`; requests reject with `prompt-too-long`, `grammar-invalid`, `chat-unsupported`, `engine-closed`, or a
 * `TypeError` that names the field.
 *
 * @example
 * ```ts
 * const model = await llama({ name: 'gemma-3-270m', file: '/models/gemma-3-270m.Q4_K_M.gguf' });
 * const { text } = await model.complete({ prompt: 'The sea is', temperature: 0.9, maxTokens: 20, seed: 1 });
 * await model.close();
 * ```
 */
export async function llama(options: LlamaOptions): Promise<LanguageModel> {
  const settings = checkedOptions(options);
  const loaded = await runtime(settings.gpu);
  const model = await loadModel(loaded, settings.name, settings.file);
  try {
    const rows = rowsOf(loaded, model, settings.gpu);
    const context = await createContext(loaded, model, settings, rows);
    return new InProcess(loaded, model, context, settings, rows, options.clock ?? Date, options.meter ?? silent);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

async function createContext({ binding }: Runtime, model: LlamaModel, settings: LlamaSettings, rows: number) {
  const { name, contextSize, sequences, threads } = settings;
  if (contextSize > model.trainContextSize) {
    throw new TypeError(
      `option 'contextSize': '${name}' was trained on ${model.trainContextSize} tokens, got ${contextSize}`,
    );
  }
  const lanes = Math.ceil(sequences / rows) * rows;
  try {
    return await model.createContext({
      sequences: lanes,
      contextSize,
      threads: { ideal: threads, min: threads },
      batchSize: Math.max(chunk, lanes),
      // Without it a saved state lies elsewhere in memory than an evaluated one, and sums differ.
      flashAttention: true,
      failedCreationRemedy: false,
    });
  } catch (cause) {
    if (!(cause instanceof binding.InsufficientMemoryError)) throw cause;
    throw new HeadwaterError(
      'model-too-large',
      `${lanes} sequences of ${contextSize} tokens of the model '${name}' do not fit into the free memory: take fewer or shorter ones`,
      { cause },
    );
  }
}

class InProcess implements LanguageModel {
  readonly id: string;
  readonly maxInFlight: number;
  readonly structured = true;

  readonly #runtime: Runtime;
  readonly #model: LlamaModel;
  readonly #context: LlamaContext;
  readonly #settings: LlamaSettings;
  readonly #clock: { now(): number };
  readonly #prompts: Prompts;
  readonly #grammars: Grammars;
  readonly #states = new PrefixStates(maxStates);
  readonly #batch: Batch;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    loaded: Runtime,
    model: LlamaModel,
    context: LlamaContext,
    settings: LlamaSettings,
    rows: number,
    clock: { now(): number },
    meter: Meter,
  ) {
    this.id = `llama/${settings.name}`;
    this.maxInFlight = settings.sequences;
    this.#runtime = loaded;
    this.#model = model;
    this.#context = context;
    this.#settings = settings;
    this.#clock = clock;
    this.#prompts = new Prompts(loaded, model, settings.name);
    this.#grammars = new Grammars(loaded);
    const lanes = Array.from(
      { length: context.totalSequences },
      () => new Lane(context.getSequence({ checkpoints: { interval: false } }), this.#states, meter),
    );
    const [filler] = model.tokenize('.');
    if (filler === undefined) throw new HeadwaterError('model-damaged', `'${settings.name}' has no token for '.'`);
    this.#batch = new Batch({ lanes, slots: settings.sequences, rows, filler, meter });
  }

  async complete(request: CompletionRequest): Promise<Completion> {
    const { prompt, sharedPrefix } = request;
    return await this.#answer(request, (size) => {
      const made = this.#prompts.raw(prompt, sharedPrefix, size);
      return { ...made, declared: made.shared };
    });
  }

  async chat(request: ChatRequest): Promise<Completion> {
    // Whether other conversations start alike is learned, for nobody declares it.
    return await this.#answer(request, (size) => ({ ...this.#prompts.chat(request.messages, size), declared: 0 }));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #answer(
    request: CompletionRequest | ChatRequest,
    make: (contextSize: number) => Prompt & { readonly declared: number },
  ): Promise<Completion> {
    const startedAt = this.#clock.now();
    const signal = AbortSignal.any([this.#closing.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    signal.throwIfAborted();
    const { maxTokens, stop = [] } = request;
    if (stop.includes('')) throw new TypeError("option 'stop': expected texts, got ''");
    const sampling = sampler(request);
    const { tokens, shared, declared } = make(this.#settings.contextSize);
    this.#checkFit(tokens.length, maxTokens);
    const form = await this.#grammars.of(request);
    signal.throwIfAborted();
    const answer = new Answer({
      detokenize: (some, before) => this.#model.detokenize(some, false, before),
      isEnd: (token) => this.#model.isEogToken(token) || ('messages' in request && this.#prompts.turnEnds.has(token)),
      before: tokens.slice(-4),
      stop: [...stop, ...(form?.stop ?? [])],
      maxTokens,
    });
    const ends = chunkEnds(tokens.length, shared, chunk);
    const work = {
      tokens,
      ends,
      keys: this.#states.sight(tokens, ends),
      declared: Math.min(declared, tokens.length - 1),
      sampling: form === undefined ? sampling : { ...sampling, grammarEvaluationState: this.#bound(form.grammar) },
      answer,
    };
    await this.#batch.run(work, signal);
    return {
      text: answer.text,
      finishReason: answer.finishReason ?? 'length',
      usage: { promptTokens: tokens.length, completionTokens: answer.tokens },
      model: this.id,
      cost: 0,
      startedAt,
      milliseconds: this.#clock.now() - startedAt,
      attempts: 1,
    };
  }

  #checkFit(prompt: number, maxTokens: number): void {
    const { name, contextSize } = this.#settings;
    if (prompt + maxTokens <= contextSize) return;
    throw new HeadwaterError(
      'prompt-too-long',
      `a prompt of ${prompt} tokens and an answer of up to ${maxTokens} do not fit into the ${contextSize} tokens that ` +
        `'${name}' was given: shorten the prompt, lower maxTokens, or raise contextSize`,
    );
  }

  /** The state of a grammar at the start of an answer. */
  #bound(grammar: LlamaGrammar): LlamaGrammarEvaluationState {
    return new this.#runtime.binding.LlamaGrammarEvaluationState({ model: this.#model, grammar });
  }

  async #close(): Promise<void> {
    this.#closing.abort(new HeadwaterError('engine-closed', `the model '${this.#settings.name}' was closed`));
    await this.#batch.idle();
    await this.#context.dispose();
    await this.#model.dispose();
    this.#states.close();
  }
}
