import type { Meter } from '../../operators/meter.js';

export interface LlamaOptions {
  /** How the model is called in ids and messages, such as `gemma-3-270m`. */
  readonly name: string;
  /** Path of the GGUF file. */
  readonly file: string;
  /**
   * Requests that are written side by side, at most 64; memory grows with it.
   * @default 8
   */
  readonly sequences?: number;
  /**
   * Tokens that a prompt and its answer may have together.
   * @default 2048
   */
  readonly contextSize?: number;
  /**
   * Threads for arithmetic. More than free cores is much slower than too few.
   * @default 1
   */
  readonly threads?: number;
  /**
   * Whether a GPU may be used. The same seed gives the same text only without one.
   * @default false
   */
  readonly gpu?: boolean;
  /** Tells the time of `startedAt`, in milliseconds since 1970. Default: the clock of this machine. */
  readonly clock?: { now(): number };
  /** Counts `llama_steps` and the tokens in them, the prompt tokens evaluated, and those that a saved prefix spared. */
  readonly meter?: Meter;
}

export type LlamaSettings = Required<
  Pick<LlamaOptions, 'name' | 'file' | 'sequences' | 'contextSize' | 'threads' | 'gpu'>
>;

/** The options with their defaults. Throws `TypeError` naming the option. */
export function checkedOptions(options: LlamaOptions): LlamaSettings {
  const { name, file, sequences = 8, contextSize = 2048, threads = 1, gpu = false } = options;
  if (name === '') throw new TypeError("option 'name': expected a text, got ''");
  if (file === '') throw new TypeError("option 'file': expected the path of a GGUF file, got ''");
  whole('sequences', sequences, 1, 64);
  whole('contextSize', contextSize, 16, 1 << 20);
  whole('threads', threads, 1, 256);
  return { name, file, sequences, contextSize, threads, gpu };
}

/** Throws `TypeError` unless the value is an integer within the bounds. */
export function whole(option: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new TypeError(`option '${option}': expected an integer from ${low} to ${high}, got ${value}`);
}

/** Throws `TypeError` unless the value is a number within the bounds. */
export function within(option: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return;
  throw new TypeError(`option '${option}': expected a number from ${low} to ${high}, got ${value}`);
}
