import type { Completion, LanguageModel } from '../operators/language-model.js';
import type { Meter } from '../operators/meter.js';
import { HeadwaterError } from '../schemas/errors.js';

export interface SameModelOptions {
  /** Told once of each change, with what answered before and what answers now. */
  readonly changed: (from: string, to: string) => void;
  /** Whether an answer of another model rejects with `model-changed`. @default false */
  readonly stop?: boolean;
  /** Counts `model_changes` of a `role`, each time. @default counts nothing */
  readonly meter?: Meter;
  readonly role?: string;
}

/** Changes that are told of: a server may name another model in every answer. */
const mostTold = 100;

/**
 * The same model, watched: an answer that names another model than the answer before it is told of.
 *
 * With `stop` the first answer's model is the only one: an answer of another one rejects, though it may have cost something.
 */
export function sameModel(model: LanguageModel, options: SameModelOptions): LanguageModel {
  const { changed, stop = false, meter, role = 'model' } = options;
  const told = new Set<string>();
  let last: string | undefined;

  async function watched(answer: Promise<Completion>): Promise<Completion> {
    const completion = await answer;
    const before = last ?? completion.model;
    const now = completion.model;
    last = stop ? before : now;
    if (now === before) return completion;
    meter?.count('model_changes', 1, { role });
    const change = `${before}\n${now}`;
    if (!told.has(change) && told.size < mostTold) {
      told.add(change);
      changed(before, now);
    }
    if (!stop) return completion;
    const what = `${model.id}: the endpoint answered as ${now}, where it was ${before}`;
    const advice = 'point the recipe at the model that it shall be, or take the change with onModelChange: warn';
    throw new HeadwaterError('model-changed', `${what}: ${advice}`);
  }
  return {
    id: model.id,
    maxInFlight: model.maxInFlight,
    structured: model.structured,
    complete: (request) => watched(model.complete(request)),
    chat: (request) => watched(model.chat(request)),
    close: () => model.close(),
  };
}
