import type { Completion } from './language-model.js';

/** Answers that were paid for, by the hash of their request. */
export interface Journal {
  /** The answer to a request, if it was ever given in what this journal still holds. */
  get(request: string): Completion | undefined;
  /** Keeps an answer on behalf of the record `cause`; resolves when a crash can no longer lose it. */
  put(request: string, cause: string, completion: Completion): Promise<void>;
}
