import type { Completion, LanguageModel } from '../operators/language-model.js';
import type { Meter } from '../operators/meter.js';

/**
 * A language model whose answers are counted by `role`: `model_calls`, `prompt_tokens`, `completion_tokens`,
 * `model_attempts` (requests sent, retries among them), `cost_usd` or `cost_unknown`, and `model_failures`.
 */
export function metered(model: LanguageModel, role: string, meter: Meter): LanguageModel {
  const attributes = { role };

  async function counted(answer: Promise<Completion>): Promise<Completion> {
    try {
      const completion = await answer;
      meter.count('model_calls', 1, attributes);
      meter.count('model_attempts', completion.attempts, attributes);
      meter.count('prompt_tokens', completion.usage.promptTokens, attributes);
      meter.count('completion_tokens', completion.usage.completionTokens, attributes);
      if (completion.cost === null) meter.count('cost_unknown', 1, attributes);
      else meter.count('cost_usd', completion.cost, attributes);
      return completion;
    } catch (error) {
      meter.count('model_failures', 1, attributes);
      throw error;
    }
  }

  return {
    id: model.id,
    maxInFlight: model.maxInFlight,
    structured: model.structured,
    complete: (request) => counted(model.complete(request)),
    chat: (request) => counted(model.chat(request)),
    close: () => model.close(),
  };
}
