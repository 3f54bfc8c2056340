import type { ChatRequest, CompletionRequest, Usage } from '../operators/language-model.js';

/** Of markers and turns around a text. */
const frameTokens = 16;
/** Tokens a character of English; what is seen of other texts is learned. */
const firstRatio = 1 / 4;

/**
 * The most tokens that a request may come to: of the prompt by the densest prompt seen so far, of the answer all that it may have.
 * A prompt in a script denser than those before it, or the very first, may have more.
 */
export class TokenBound {
  #ratio = firstRatio;

  of(request: CompletionRequest | ChatRequest): Usage {
    const promptTokens = frameTokens + Math.ceil(characters(request) * this.#ratio);
    return { promptTokens, completionTokens: request.maxTokens };
  }

  /** Takes what an answer's tokens really were. */
  learn(request: CompletionRequest | ChatRequest, { promptTokens }: Usage): void {
    const length = characters(request);
    if (length > 0) this.#ratio = Math.max(this.#ratio, (promptTokens - frameTokens) / length);
  }
}

function characters(request: CompletionRequest | ChatRequest): number {
  if ('prompt' in request) return request.prompt.length;
  return request.messages.reduce((sum, { content }) => sum + content.length, 0);
}
