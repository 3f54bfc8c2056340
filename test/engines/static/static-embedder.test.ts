import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { pull } from '../../../engines/models/pull.js';
import { staticEmbedder } from '../../../engines/static/static-embedder.js';
import type { Embedder } from '../../../operators/embedder.js';
import { fromBase64 } from '../../../schemas/codec.js';
import { safetensors, tokenizerJson } from './tiny-table.js';
import fixture from './wordllama-vectors.json' with { type: 'json' };

const texts = fixture.cases.map(({ text }) => text);
let model = { weights: '', tokenizer: '' };
let embedder: Embedder;
let folder = '';

beforeAll(async () => {
  const { files } = await pull('wordllama-256');
  model = {
    weights: files.get('wordllama-256.safetensors') ?? '',
    tokenizer: files.get('wordllama-256.tokenizer.json') ?? '',
  };
  embedder = await staticEmbedder(model);
  folder = await mkdtemp(join(tmpdir(), 'headwater-static-'));
}, 120_000);

afterAll(async () => {
  await embedder.close();
  await rm(folder, { recursive: true, force: true });
});

describe('vectors', () => {
  test('have the model in their id, 256 dimensions and unit norm', async () => {
    expect(embedder.id).toBe('static/wordllama-256');
    expect(embedder.dimensions).toBe(256);
    for (const vector of await embedder.embed(texts)) {
      expect(vector).toHaveLength(256);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    }
  });

  test.each(fixture.cases)('are those of the package: $text', async ({ text, vector }) => {
    const [ours = new Float32Array()] = await embedder.embed([text]);
    const theirs = fromBase64(vector);
    const difference = Math.max(...theirs.map((value, i) => Math.abs(value - (ours[i] ?? Number.NaN))));
    expect(difference).toBeLessThan(1e-5);
  });

  test('are zeros for a text without tokens', async () => {
    const [empty] = await embedder.embed(['']);
    expect(empty).toEqual(new Float32Array(256));
  });

  test('come in order, and are the same bits alone, in a batch and in a crowd', async () => {
    const alone = await Promise.all(texts.map(async (text) => (await embedder.embed([text]))[0]));
    expect(await embedder.embed(texts)).toEqual(alone);
    const many = Array.from({ length: 2_000 }, (_, i) => texts[(i * 7) % texts.length] ?? '');
    const vectors = await embedder.embed(many);
    expect(vectors.every((vector, i) => vector.every((value, j) => value === alone[(i * 7) % texts.length]?.[j]))).toBe(
      true,
    );
  });

  test('own their memory', async () => {
    const [first, second] = await embedder.embed(['one', 'two']);
    expect(first?.buffer).not.toBe(second?.buffer);
    expect(first?.buffer.byteLength).toBe(1_024);
  });

  test('of no texts are none', async () => {
    expect(await embedder.embed([])).toEqual([]);
  });

  test('are refused for what is not text, and the embedder goes on', async () => {
    const wrong: unknown[] = ['fine', 7];
    const asTexts = (values: unknown): values is string[] => Array.isArray(values);
    if (asTexts(wrong)) await expect(embedder.embed(wrong)).rejects.toThrow('text 1: expected a string, got number');
    expect(await embedder.embed(['fine'])).toHaveLength(1);
  });
});

describe('an ending', () => {
  test('by close rejects what is pending and what comes later', async () => {
    const closing = await staticEmbedder(model);
    const pending = closing.embed(new Array<string>(5_000).fill('Two hens lay two eggs.'));
    const outcome = expect(pending).rejects.toMatchObject({ code: 'engine-closed' });
    await closing.close();
    await outcome;
    await expect(closing.embed(['late'])).rejects.toMatchObject({ code: 'engine-closed' });
    await closing.close();
  });

  test('of the worker rejects what is pending and what comes later', async () => {
    const started = new Promise<Worker>((resolve) => process.once('worker', resolve));
    const losing = await staticEmbedder(model);
    const worker = await started;
    const outcome = expect(losing.embed(new Array<string>(5_000).fill('lost'))).rejects.toMatchObject({
      code: 'engine-failed',
      message: expect.stringContaining('static/wordllama-256'),
    });
    await worker.terminate();
    await outcome;
    await expect(losing.embed(['late'])).rejects.toMatchObject({ code: 'engine-failed' });
    await losing.close();
  });

  test('of the process needs no close, and waits for what is asked', async () => {
    const module = new URL('../../../dist/engines/static/static-embedder.js', import.meta.url).href;
    const script = `
      const { staticEmbedder } = await import('${module}');
      const embedder = await staticEmbedder(${JSON.stringify(model)});
      embedder.embed(['hens']).then(([vector]) => console.log(vector.length));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      timeout: 20_000,
    });
    expect(stdout).toBe('256\n');
  });
});

describe('files', () => {
  test('of another model give another id', async () => {
    const weights = join(folder, 'tiny.safetensors');
    const tokenizer = join(folder, 'tiny.json');
    await writeFile(weights, safetensors([262, 4]));
    await writeFile(
      tokenizer,
      tokenizerJson([
        ['\u2581', 'a'],
        ['\u2581', 'b'],
      ]),
    );
    const tiny = await staticEmbedder({ weights, tokenizer });
    expect(tiny.id).toMatch(/^static\/[0-9a-f]{12}-4$/);
    expect(await tiny.embed(['a b'])).toEqual([new Float32Array([0.5, 0.5, 0.5, 0.5])]);
    await tiny.close();
  });

  test('that are cut are damaged', async () => {
    const weights = join(folder, 'cut.safetensors');
    await writeFile(weights, (await readFile(model.weights)).subarray(0, 1_000_000));
    await expect(staticEmbedder({ ...model, weights })).rejects.toMatchObject({
      code: 'model-damaged',
      message: expect.stringContaining(weights),
    });
    const tokenizer = join(folder, 'cut.json');
    await writeFile(tokenizer, (await readFile(model.tokenizer)).subarray(0, 1_000_000));
    await expect(staticEmbedder({ ...model, tokenizer })).rejects.toMatchObject({
      code: 'model-damaged',
      message: expect.stringContaining(tokenizer),
    });
  });

  test('that do not belong together are damaged', async () => {
    const weights = join(folder, 'short.safetensors');
    await writeFile(weights, safetensors([10, 4]));
    await expect(staticEmbedder({ ...model, weights })).rejects.toMatchObject({
      code: 'model-damaged',
      message: expect.stringContaining('do not belong together'),
    });
  });

  test('that are not there are missing', async () => {
    await expect(staticEmbedder({ ...model, weights: join(folder, 'none') })).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('ENOENT'),
    });
  });
});
