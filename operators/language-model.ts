/** How an answer is sampled. */
export interface Sampling {
  readonly temperature: number;
  readonly maxTokens: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  /** The same request with the same seed gives the same text where the engine can promise it. */
  readonly seed?: number;
}

interface Request extends Sampling {
  /** Texts that end the answer; none of them is part of it. */
  readonly stop?: readonly string[];
  /** A GBNF grammar for the answer; engines without grammars ignore it. */
  readonly grammar?: string;
  /** A JSON Schema for the answer; engines without structured output ignore it. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /**
   * Asks for the logarithms of the probabilities of the answer's tokens, with this many of the likeliest tokens at each place, from 0;
   * engines that know none leave them out.
   */
  readonly logprobs?: number;
  /** Ends the request: the promise rejects with the signal's reason, and nothing is held for it any more. */
  readonly signal?: AbortSignal;
  /** The id of the record that this request is for, under which its answer is journaled. */
  readonly cause?: string;
}

export interface CompletionRequest extends Request {
  readonly prompt: string;
  /** Characters at the start of the prompt that many requests share, so that an engine may evaluate them once. */
  readonly sharedPrefix?: number;
}

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatRequest extends Request {
  /** The last message is the user's; or the assistant's opened answer, which the model continues. */
  readonly messages: readonly ChatMessage[];
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Those of the prompt that the server had in its cache, where it says so. */
  readonly cachedPromptTokens?: number;
}

/** A token of an answer, with the natural logarithm of its probability where it stands. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  /** The likeliest tokens at this place, likeliest first, where they were asked for. */
  readonly top?: readonly { readonly token: string; readonly logprob: number }[];
}

export interface Completion {
  /** Without a stop text, and without the assistant's opening where there was one. */
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  readonly usage: Usage;
  /** Engine and model that answered, such as `llama/gemma-3-270m`. */
  readonly model: string;
  /** In US dollars; null where the price is not known. */
  readonly cost: number | null;
  /** Milliseconds since 1970 at which the request was first sent. */
  readonly startedAt: number;
  readonly milliseconds: number;
  /** Requests that were sent until one was answered. */
  readonly attempts: number;
  /** Of the tokens of the text, in its order, where they were asked for and the engine knows them. */
  readonly logprobs?: readonly TokenLogprob[];
  /** Whether another run had paid for it: then the cost is what it was. */
  readonly reused?: boolean;
}

/**
 * A language model, behind any engine. Both calls reject with `HeadwaterError` (`prompt-too-long`, `grammar-invalid`,
 * `endpoint-*`, `journal-missing`) or with the reason of the request's signal; a rejected call holds no resource.
 */
export interface LanguageModel {
  /** Engine and model, such as `llama/gemma-3-270m`. */
  readonly id: string;
  /** Requests that the engine works on at once; more of them wait inside it. */
  readonly maxInFlight: number;
  /** Whether grammars and JSON Schemas bind the answer. */
  readonly structured: boolean;
  /** Continues raw text. */
  complete(request: CompletionRequest): Promise<Completion>;
  /** Answers a conversation. */
  chat(request: ChatRequest): Promise<Completion>;
  /** Frees what the engine holds; requests in flight are aborted. */
  close(): Promise<void>;
}
