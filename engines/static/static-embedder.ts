import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';

import type { Embedder } from '../../operators/embedder.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { catalogue } from '../models/catalogue.js';
import type { Answer, Batch, Files } from './protocol.js';

/** Texts of one message to the worker at most. */
const batchTexts = 256;
/** Characters of one message at most, where it has more than one text. */
const batchCharacters = 1 << 18;
/** One batch is worked on while the next one waits there. */
const batchesInFlight = 2;

export interface StaticEmbedderOptions {
  /** Path of a safetensors file with the F16 tensor `embedding.weight [tokens, dimensions]`: 16 MB for 256 dimensions. */
  readonly weights: string;
  /** Path of the tokenizer JSON. */
  readonly tokenizer: string;
  /** Worker threads. @default 1 */
  readonly threads?: 1;
}

/** A text that waits for its vector. */
interface Waiting {
  readonly text: string;
  readonly settle: (vector: Float32Array) => void;
}

/**
 * Texts in, means of their token vectors out, from a static table in a worker thread. A vector is the mean of the rows of the
 * text's tokens, without special tokens, scaled to unit norm; all zeros for a text without tokens. Texts of calls at the same
 * time travel together. Memory: the table as float32 and at most 65,536 words. The worker does not keep the process alive
 * once nothing is asked of it. Rejects with `HeadwaterError`: `model-missing`, `model-damaged`, and from `embed` also
 * `engine-failed` (the worker stopped) and `engine-closed` (`close` came first).
 *
 * @example
 * ```ts
 * const { files } = await pull('wordllama-256');
 * const [weights, tokenizer] = [...files.values()];
 * const embedder = await staticEmbedder({ weights, tokenizer });
 * const [vector] = await embedder.embed(['Three hens lay two eggs a day.']); // Float32Array [256]
 * ```
 */
export async function staticEmbedder(options: StaticEmbedderOptions): Promise<Embedder> {
  for (const name of ['weights', 'tokenizer'] as const) {
    if (typeof options[name] !== 'string') throw new TypeError(`${name}: expected a path, got ${typeof options[name]}`);
  }
  const files: Files = { weights: options.weights, tokenizer: options.tokenizer };
  const worker = new Worker(workerFile(), { workerData: files, execArgv: [] });
  const ready = await firstAnswer(worker);
  return new StaticEmbedder(worker, idOf(ready.digests, ready.dimensions), ready.dimensions);
}

class StaticEmbedder implements Embedder {
  readonly #waiting: Waiting[] = [];
  readonly #inFlight: (readonly Waiting[])[] = [];
  readonly #rejections = new Set<(error: Error) => void>();
  #scheduled = false;
  #ended: HeadwaterError | undefined;

  constructor(
    private readonly worker: Worker,
    readonly id: string,
    readonly dimensions: number,
  ) {
    worker.on('message', (answer: Answer) => this.#receive(answer));
    worker.on('error', (cause) => this.#fail(`the worker of ${id} stopped: ${messageOf(cause)}`, cause));
    worker.on('exit', (code) => this.#fail(`the worker of ${id} ended with code ${code}`));
    worker.unref();
  }

  async embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    const wrong = texts.findIndex((text) => typeof text !== 'string');
    if (wrong >= 0) throw new TypeError(`text ${wrong}: expected a string, got ${typeof texts[wrong]}`);
    if (this.#ended !== undefined) throw this.#ended;
    if (texts.length === 0) return [];
    return new Promise((resolve, reject) => {
      const vectors: Float32Array[] = new Array(texts.length);
      let missing = texts.length;
      this.#rejections.add(reject);
      texts.forEach((text, i) => {
        const settle = (vector: Float32Array) => {
          vectors[i] = vector;
          missing -= 1;
          if (missing > 0) return;
          this.#rejections.delete(reject);
          resolve(vectors);
        };
        this.#waiting.push({ text, settle });
      });
      this.#schedule();
    });
  }

  async close(): Promise<void> {
    this.#end(new HeadwaterError('engine-closed', `${this.id} was closed before it answered`));
    await this.worker.terminate();
  }

  /** After the calls of this turn, so that they travel together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#ended !== undefined) return;
    while (this.#waiting.length > 0 && this.#inFlight.length < batchesInFlight) {
      const batch = this.#waiting.splice(0, batchLength(this.#waiting));
      if (this.#inFlight.length === 0) this.worker.ref();
      this.#inFlight.push(batch);
      const message: Batch = { texts: batch.map(({ text }) => text) };
      this.worker.postMessage(message);
    }
  }

  #receive(answer: Answer): void {
    const batch = this.#inFlight.shift();
    if (answer.kind !== 'vectors' || batch === undefined) return;
    batch.forEach(({ settle }, i) => {
      // Copies, so that one vector does not keep its whole batch alive.
      settle(answer.vectors.slice(i * this.dimensions, (i + 1) * this.dimensions));
    });
    this.#send();
    if (this.#inFlight.length === 0) this.worker.unref();
  }

  #fail(message: string, cause?: unknown): void {
    this.#end(new HeadwaterError('engine-failed', `${message}; its requests are lost, make a new one`, { cause }));
  }

  /** The first end counts; what is pending rejects with it. */
  #end(error: HeadwaterError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#waiting.length = 0;
    this.#inFlight.length = 0;
    for (const reject of this.#rejections) reject(error);
    this.#rejections.clear();
  }
}

/** How many of the waiting texts fit into a message; at least one. */
function batchLength(waiting: readonly Waiting[]): number {
  let characters = 0;
  let length = 0;
  for (const { text } of waiting) {
    characters += text.length;
    if (length > 0 && (length >= batchTexts || characters > batchCharacters)) break;
    length += 1;
  }
  return length;
}

/** Settles when the worker has loaded the model, or could not. */
async function firstAnswer(worker: Worker): Promise<Extract<Answer, { kind: 'ready' }>> {
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: Answer) => {
      if (answer.kind === 'ready') return resolve(answer);
      if (answer.kind === 'unusable') reject(new HeadwaterError(answer.code, answer.message));
      worker.terminate().catch(reject);
    });
    worker.once('error', (cause) => {
      reject(new HeadwaterError('engine-failed', `the embedder could not start: ${messageOf(cause)}`, { cause }));
    });
    worker.once('exit', (code) => {
      reject(new HeadwaterError('engine-failed', `the embedder ended with code ${code} before it was ready`));
    });
  });
}

/** Named by the catalogue where it knows both files, else by their hash: another table never has the same id. */
function idOf(digests: readonly string[], dimensions: number): string {
  const known = catalogue.find(
    ({ files }) => files.length === digests.length && files.every(({ sha256 }, i) => sha256 === digests[i]),
  );
  if (known !== undefined) return `static/${known.name}`;
  const hash = createHash('sha256').update(digests.join()).digest('hex').slice(0, 12);
  return `static/${hash}-${dimensions}`;
}

/** The compiled worker, also where this file itself runs from source. */
function workerFile(): URL {
  const compiled = import.meta.url.endsWith('.ts') ? '../../dist/engines/static/worker.js' : './worker.js';
  return new URL(compiled, import.meta.url);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
