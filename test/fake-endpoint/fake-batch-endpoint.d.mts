import type { Asked, FakeAnswer } from './fake-endpoint.mjs';

/** A batch as the server keeps it. */
export interface FakeBatch {
  readonly id: string;
  status: string;
  readonly inputFile: string;
  readonly customIds: readonly string[];
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface FakeBatchOptions {
  /** @default fieldAnswer */
  readonly answer?: (asked: Asked, hash: string) => FakeAnswer;
  /** How a batch ends, by its number from 0. @default completed */
  readonly end?: (number: number) => 'completed' | 'expired' | 'failed' | 'cancelled';
  /** Why a batch failed, by its number. @default an internal error */
  readonly why?: (number: number) => { readonly code: string; readonly message: string };
  /** Looks at a batch until it has ended, by its number. @default 2 */
  readonly looks?: (number: number) => number;
  /** The lines of the output file, before they are written down. */
  readonly output?: (lines: readonly string[], number: number) => readonly string[];
  /** Why a request is answered with 400. */
  readonly refuse?: (asked: Asked) => string | undefined;
  /** Whether a connection is dropped: told the method and path, before or after the server has done what was asked. */
  readonly drop?: (call: string) => 'before' | 'after' | undefined;
  /** A status for a call in place of its answer. */
  readonly status?: (call: string) => number | undefined;
  /** Required as the bearer token. */
  readonly key?: string;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/** Files and batches of OpenAI's API, kept in memory: a batch is answered when it has been looked at often enough. */
export interface FakeBatchEndpoint {
  readonly url: string;
  readonly batches: readonly FakeBatch[];
  /** Requests that were answered and are paid for, by custom id. */
  readonly paid: ReadonlyMap<string, number>;
  /** Method and path of each call. */
  readonly calls: readonly string[];
  close(): Promise<void>;
}

export function startFakeBatchEndpoint(options?: FakeBatchOptions): Promise<FakeBatchEndpoint>;
