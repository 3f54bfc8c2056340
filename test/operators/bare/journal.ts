import { journaled } from '../../../engines/journaled.js';
import type { Journal } from '../../../operators/journal.js';
import type { Completion, LanguageModel } from '../../../operators/language-model.js';

/** A journal as a task keeps it: answers by cause; those of causes that were committed are passed over at a restart. */
export class MemoryJournal implements Journal {
  readonly #answers = new Map<string, { readonly cause: string; readonly completion: Completion }>();

  get(request: string, cause: string): Completion | undefined {
    return this.#answers.get(`${cause} ${request}`)?.completion;
  }

  find(request: string): Completion | undefined {
    for (const [key, { completion }] of this.#answers) if (key.endsWith(` ${request}`)) return completion;
    return undefined;
  }

  put(request: string, cause: string, completion: Completion): Promise<void> {
    this.#answers.set(`${cause} ${request}`, { cause, completion });
    return Promise.resolve();
  }

  /** What a successor finds. */
  without(committed: ReadonlySet<string>): MemoryJournal {
    const left = new MemoryJournal();
    for (const [key, answer] of this.#answers) if (!committed.has(answer.cause)) left.#answers.set(key, answer);
    return left;
  }

  of(model: LanguageModel): LanguageModel {
    return journaled(model, this);
  }
}
