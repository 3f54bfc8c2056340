import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';

import { HeadwaterError } from '../../schemas/errors.js';
import { poolInto } from './pool.js';
import type { Answer, Batch, Files } from './protocol.js';
import { readTokenTable, type TokenTable } from './safetensors.js';
import { WordTokenizer } from './tokenizer.js';

if (parentPort !== null) await serve(parentPort, workerData);

/** Loads the model, then answers batches until the port closes. */
async function serve(port: MessagePort, files: Files): Promise<void> {
  try {
    const { table, tokenizer, digests } = await load(files);
    answer(port, { kind: 'ready', dimensions: table.dimensions, digests });
    const sums = new Float64Array(table.dimensions);
    port.on('message', ({ texts }: Batch) => {
      const vectors = new Float32Array(texts.length * table.dimensions);
      texts.forEach((text, i) => {
        poolInto(table, tokenizer.ids(text), sums, vectors, i * table.dimensions);
      });
      answer(port, { kind: 'vectors', vectors });
    });
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error;
    if (error.code !== 'model-missing' && error.code !== 'model-damaged') throw error;
    answer(port, { kind: 'unusable', code: error.code, message: error.message });
  }
}

interface Model {
  readonly table: TokenTable;
  readonly tokenizer: WordTokenizer;
  readonly digests: readonly [weights: string, tokenizer: string];
}

async function load(files: Files): Promise<Model> {
  const weights = await read(files.weights);
  const json = await read(files.tokenizer);
  const table = about(files.weights, () => readTokenTable(weights, 'embedding.weight'));
  const tokenizer = about(files.tokenizer, () => new WordTokenizer(json.toString('utf8')));
  if (tokenizer.size > table.rows) {
    throw new HeadwaterError(
      'model-damaged',
      `${files.weights} has ${table.rows} rows, and the tokenizer ${files.tokenizer} has ${tokenizer.size} tokens: they do not belong together`,
    );
  }
  return { table, tokenizer, digests: [digest(weights), digest(json)] };
}

async function read(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('model-missing', `the model file ${path} cannot be read: ${why}`, { cause });
  });
}

function about<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof HeadwaterError)) throw error;
    throw new HeadwaterError(error.code, `${path} is damaged: ${error.message}; remove it and pull the model again`);
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function answer(port: MessagePort, message: Answer): void {
  port.postMessage(message, message.kind === 'vectors' ? [message.vectors.buffer] : []);
}
