import type { ChatHistoryItem, ChatWrapper, LlamaModel, LlamaText, Token } from 'node-llama-cpp';

import type { ChatMessage } from '../../operators/language-model.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Runtime } from './binding.js';

/** A prompt in tokens, and how many of them, from the first, other prompts may share. */
export interface Prompt {
  readonly tokens: readonly Token[];
  readonly shared: number;
}

/** Turns raw text and conversations into tokens. */
export class Prompts {
  readonly #runtime: Runtime;
  readonly #model: LlamaModel;
  readonly #name: string;
  /** No token stands for more characters than this. */
  readonly #longestToken: number;
  readonly #template: ChatWrapper | undefined;
  /** Tokens that end a turn, besides those that end any text. */
  readonly turnEnds: ReadonlySet<Token>;

  constructor(runtime: Runtime, model: LlamaModel, name: string) {
    this.#runtime = runtime;
    this.#model = model;
    this.#name = name;
    this.#longestToken = longest(model.fileInfo.metadata?.tokenizer?.ggml?.tokens ?? []);
    this.#template = template(runtime, model);
    this.turnEnds = new Set(this.#template === undefined ? [] : turnEnds(this.#template, model));
  }

  /** Raw text: no special tokens but the one that the model wants at the start. */
  raw(text: string, sharedPrefix = 0, contextSize: number): Prompt {
    if (!Number.isInteger(sharedPrefix) || sharedPrefix < 0 || sharedPrefix > text.length) {
      throw new TypeError(`option 'sharedPrefix': expected 0 to ${text.length}, got ${sharedPrefix}`);
    }
    this.#checkLength(text.length, contextSize);
    // The two parts are tokenised apart, for no token may reach over the end of the prefix.
    const cut = text.slice(0, sharedPrefix);
    const head = [...this.#start(), ...this.#model.tokenize(cut)];
    const rest = text.slice(cut.length);
    const tail = cut === '' ? this.#model.tokenize(rest) : this.#model.tokenize(rest, false, 'trimLeadingSpace');
    const tokens = [...head, ...tail];
    if (tokens.length === 0) throw new TypeError("option 'prompt': expected a text, got ''");
    return { tokens, shared: cut === '' ? 0 : head.length };
  }

  /**
   * A conversation in the model's own template; special tokens in the messages are plain text. All before the last message of
   * the user counts as shared. Throws with code `chat-unsupported` where the model has no template.
   */
  chat(messages: readonly ChatMessage[], contextSize: number): Prompt {
    if (this.#template === undefined) {
      throw new HeadwaterError(
        'chat-unsupported',
        `the model '${this.#name}' has no chat template, it only continues text: name an instruct model for this role`,
      );
    }
    const opened = messages.at(-1)?.role === 'assistant';
    const asked = messages.at(opened ? -2 : -1);
    if (asked?.role !== 'user') {
      throw new TypeError(
        "option 'messages': expected the user's message last, or last before the assistant's opening",
      );
    }
    this.#checkLength(
      messages.reduce((sum, { content }) => sum + content.length, 0),
      contextSize,
    );
    const chatHistory = messages.map(historyItem);
    if (!opened) chatHistory.push({ type: 'model', response: [] });
    return this.#rendered(this.#template.generateContextState({ chatHistory }).contextText, asked.content);
  }

  #rendered({ values }: LlamaText, question: string): Prompt {
    const { LlamaText } = this.#runtime.binding;
    const place = values.lastIndexOf(question);
    const cut = Math.max(0, place);
    const tokenizer = this.#model.tokenizer;
    const head = LlamaText(values.slice(0, cut)).tokenize(tokenizer);
    const tail = LlamaText(values.slice(cut)).tokenize(tokenizer);
    const missing = (head[0] ?? tail[0]) === this.#model.tokens.bos ? [] : this.#start();
    return { tokens: [...missing, ...head, ...tail], shared: place > 0 ? missing.length + head.length : 0 };
  }

  #start(): readonly Token[] {
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    return shouldPrependBosToken && bos !== null ? [bos] : [];
  }

  /** Spares the tokeniser, which is not asynchronous, the texts that cannot fit. */
  #checkLength(characters: number, contextSize: number): void {
    if (characters <= contextSize * this.#longestToken) return;
    throw new HeadwaterError(
      'prompt-too-long',
      `a prompt of ${characters} characters cannot fit into the ${contextSize} tokens that '${this.#name}' was given: shorten it`,
    );
  }
}

function longest(tokens: readonly string[]): number {
  let length = 16;
  for (const token of tokens) length = Math.max(length, token.length);
  return length;
}

function template({ binding }: Runtime, model: LlamaModel): ChatWrapper | undefined {
  const source = model.fileInfo.metadata?.tokenizer?.chat_template;
  if (source === undefined || source.trim() === '') return undefined;
  return binding.resolveChatWrapper(model, { type: 'jinjaTemplate', fallbackToOtherWrappersOnJinjaError: false });
}

/** The control tokens with which the template closes an answer. */
function turnEnds(wrapper: ChatWrapper, model: LlamaModel): readonly Token[] {
  const chatHistory: ChatHistoryItem[] = [
    { type: 'user', text: 'a' },
    { type: 'model', response: [] },
  ];
  const { stopGenerationTriggers } = wrapper.generateContextState({ chatHistory });
  return stopGenerationTriggers
    .map((trigger) => trigger.tokenize(model.tokenizer)[0])
    .filter((token) => token !== undefined && model.isSpecialToken(token))
    .flatMap((token) => (token === undefined ? [] : [token]));
}

function historyItem({ role, content }: ChatMessage): ChatHistoryItem {
  if (role === 'assistant') return { type: 'model', response: [content] };
  return { type: role, text: content };
}
