import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { llama } from '../../../engines/llama/llama.js';
import { modelFiles } from './models.js';

describe('a file that is no model', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headwater-test-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function failureOf(content: Uint8Array | string): Promise<unknown> {
    const file = join(folder, 'model.gguf');
    await writeFile(file, content);
    return await llama({ name: 'm', file }).catch((error: unknown) => error);
  }

  it.each([
    ['an empty file', '', 'it is empty'],
    ['a web page', '<!doctype html><title>Sign in</title>', 'it is a web page'],
    ['another format', 'PK\u0003\u0004 and more', 'does not start with GGUF'],
    ['only the magic', 'GGUF', 'not a whole GGUF file'],
    ['a header of noise', `GGUF${'\u0003\u0000\u0000\u0000'}${'\u007f'.repeat(4000)}`, 'not a whole GGUF file'],
  ])('is refused: %s', async (_, content, why) => {
    expect(await failureOf(content)).toMatchObject({
      code: 'model-damaged',
      message: expect.stringMatching(new RegExp(`${join(folder, 'model.gguf')}.*${why}|${why}.*remove it`)),
    });
  });

  it('is refused: a cut file', async () => {
    const { smol } = await modelFiles();
    const whole = await open(smol);
    const { buffer } = await whole.read(Buffer.alloc(20_000_000), 0, 20_000_000, 0);
    await whole.close();
    expect(await failureOf(buffer)).toMatchObject({
      code: 'model-damaged',
      message: expect.stringContaining('headwater models pull m'),
    });
  });

  it('is refused: no file, or a folder', async () => {
    for (const file of [join(folder, 'none.gguf'), folder]) {
      await expect(llama({ name: 'm', file })).rejects.toMatchObject({ code: 'model-missing' });
    }
  });

  it('is refused: a context that does not fit', async () => {
    const { smol: file } = await modelFiles();
    await expect(llama({ name: 'm', file, contextSize: 9000 })).rejects.toThrow(/'contextSize'.*8192/);
    await expect(llama({ name: 'm', file, sequences: 0 })).rejects.toThrow(/'sequences'/);
  });
});
