import type { Completion } from './language-model.js';

/** Answers that were paid for, by the hash of their request. */
export interface Journal {
  /** The answer that was kept on behalf of the record `cause`, if this journal still holds it. */
  get(request: string, cause: string): Completion | undefined;
  /** The answer that was kept on behalf of any record. */
  find(request: string): Completion | undefined;
  /** Keeps an answer on behalf of the record `cause`; resolves when a crash can no longer lose it. */
  put(request: string, cause: string, completion: Completion): Promise<void>;
}

/** Answers that other runs have paid for, by the hash of their request. */
export interface PaidAnswers {
  /** The answer as it was given there; undefined where none is, or is no more. */
  find(request: string): Promise<Completion | undefined>;
}
