import type { ModelFile } from './catalogue.js';

/** Where the bytes of one file come from. */
export interface Source {
  /** As people are told. */
  readonly place: string;
  /**
   * The bytes from `from` on, or from 0 where the place cannot resume. Rejects with `Refused` where the place does not have
   * the file or does not answer; any other error, also while the chunks come, is a break after which it is asked again.
   */
  open(file: ModelFile, from: number, signal: AbortSignal): Promise<Opened>;
}

export interface Opened {
  /** Of the first byte that comes. */
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** A place cannot give the file, and asking it again would not help. The message says why. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
