import type { ChatRequest, CompletionRequest, Usage } from '../operators/language-model.js';

/** Of markers and turns around a text, until more are seen. */
const firstFrame = 16;
/** Tokens a character of English; what is seen of other texts is learned. */
const firstRatio = 1 / 4;
/** Prompts shorter than this tell little of density: what they have too many counts as a frame. */
const tellingLength = 1000;

/**
 * The most tokens that a request may come to: of the prompt by those seen so far, of the answer all that it may have. Short prompts
 * teach what is around a text (a server's template), long ones how dense texts are; what was seen is never estimated lower again.
 * A prompt in a script denser than the long ones before it, or the very first, may have more.
 */
export class TokenBound {
  #frame = firstFrame;
  #ratio = firstRatio;

  of(request: CompletionRequest | ChatRequest): Usage {
    const promptTokens = this.#frame + Math.ceil(characters(request) * this.#ratio);
    return { promptTokens, completionTokens: request.maxTokens };
  }

  /** Takes what an answer's tokens really were. */
  learn(request: CompletionRequest | ChatRequest, { promptTokens }: Usage): void {
    const length = characters(request);
    if (length >= tellingLength) this.#ratio = Math.max(this.#ratio, (promptTokens - this.#frame) / length);
    else this.#frame = Math.max(this.#frame, promptTokens - Math.ceil(length * this.#ratio));
  }
}

function characters(request: CompletionRequest | ChatRequest): number {
  if ('prompt' in request) return request.prompt.length;
  return request.messages.reduce((sum, { content }) => sum + content.length, 0);
}
