import type { Journal } from '../journal.js';
import type { Completion } from '../language-model.js';
import type { PaidCall } from '../spending.js';

/**
 * The answers that an operator was given on behalf of records that have not left it: they are paid for, and no outcome tells of them yet.
 *
 * Keeps what an answer cost, not its text, until `forget`; so no more than for the records inside the operator.
 */
export class OpenAnswers {
  /** By the record that they are for, then by the hash of their request: one that is looked up again counts once. */
  readonly #calls = new Map<string, Map<string, PaidCall>>();

  /** The same journal; what it is given or gives for a record counts as open. */
  watching(journal: Journal): Journal {
    return {
      get: (request, cause) => {
        const completion = journal.get(request, cause);
        if (completion !== undefined) this.#keep(request, cause, completion);
        return completion;
      },
      find: (request) => journal.find(request),
      put: (request, cause, completion) => {
        // At once: while the disk is waited for, the record may be dropped.
        this.#keep(request, cause, completion);
        return journal.put(request, cause, completion);
      },
    };
  }

  /** Those for a record, in the order in which they came. */
  of(record: string): readonly PaidCall[] {
    return [...(this.#calls.get(record)?.values() ?? [])];
  }

  /** To be told when a record has left: its outcome says what was spent on it. */
  forget(record: string): void {
    this.#calls.delete(record);
  }

  #keep(request: string, record: string, completion: Completion): void {
    const calls = this.#calls.get(record) ?? new Map<string, PaidCall>();
    this.#calls.set(record, calls.set(request, paidCall(completion)));
  }
}

function paidCall({ usage, cost, startedAt, milliseconds, reused }: Completion): PaidCall {
  const { promptTokens, completionTokens } = usage;
  return {
    promptTokens,
    completionTokens,
    cost,
    startedAt: Math.trunc(startedAt),
    milliseconds,
    ...(reused && { reused }),
  };
}
