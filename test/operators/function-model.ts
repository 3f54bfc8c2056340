import type { ChatRequest, Completion, CompletionRequest, LanguageModel } from '../../operators/language-model.js';

type Request = CompletionRequest | ChatRequest;
type Answer = string | Partial<Completion>;

/** A language model that answers by a function of the request; it remembers what it was asked and what is in flight. */
export interface FunctionModel extends LanguageModel {
  readonly requests: readonly Request[];
  readonly inFlight: number;
  readonly mostInFlight: number;
  /** Requests whose signal ended them. */
  readonly aborted: number;
}

/** `answer` may wait, or throw what an engine rejects with. */
export function functionModel(
  answer: (request: Request, call: number) => Answer | Promise<Answer>,
  maxInFlight = 4,
): FunctionModel {
  const requests: Request[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  let aborted = 0;

  async function ask(request: Request): Promise<Completion> {
    const call = requests.push(request) - 1;
    inFlight += 1;
    mostInFlight = Math.max(mostInFlight, inFlight);
    try {
      const given = await unlessAborted(async () => answer(request, call), request.signal);
      return completionOf(typeof given === 'string' ? { text: given } : given);
    } catch (error) {
      if (request.signal?.aborted) aborted += 1;
      throw error;
    } finally {
      inFlight -= 1;
    }
  }

  return {
    id: 'test/function',
    maxInFlight,
    structured: true,
    requests,
    get inFlight() {
      return inFlight;
    },
    get mostInFlight() {
      return mostInFlight;
    },
    get aborted() {
      return aborted;
    },
    complete: ask,
    chat: ask,
    close: async () => undefined,
  };
}

function completionOf(given: Partial<Completion>): Completion {
  return {
    text: '',
    finishReason: 'stop',
    usage: { promptTokens: 100, completionTokens: 10 },
    model: 'test/function',
    cost: null,
    startedAt: 1_000,
    milliseconds: 2.5,
    attempts: 1,
    ...given,
  };
}

function unlessAborted<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    task().then(resolve, reject);
  });
}
