import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

import { modelFiles } from './models.js';

const dist = new URL('../../../dist/', import.meta.url);
const engine = new URL('engines/llama/llama.js', dist).href;

const script = `
  import { readdirSync } from 'node:fs';
  const [engine, file, end] = process.argv.slice(2);
  const { llama } = await import(engine);
  const model = await llama({ name: 'm', file, sequences: 2 });
  const prompt = 'Stories of the sea and of the ships that sail on it, told by those who came back.\\n'.repeat(2) + 'One:';
  await model.complete({ prompt, sharedPrefix: prompt.length - 4, temperature: 0, maxTokens: 2 });
  const folder = readdirSync(process.env.TMPDIR).find((name) => name.startsWith('headwater-llama-'));
  const states = readdirSync(process.env.TMPDIR + '/' + folder).length;
  if (end === 'close') await model.close();
  process.stdout.write(String(states));
`;

it.each(['close', 'leave'])(
  'says nothing, leaves no file and lets the process end by itself (%s)',
  async (end) => {
    const { smol } = await modelFiles();
    const folder = await mkdtemp(join(tmpdir(), 'headwater-test-'));
    try {
      const file = join(folder, 'script.mjs');
      await writeFile(file, script);
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, engine, smol, end], {
        env: { ...process.env, TMPDIR: folder },
        timeout: 60_000,
      });
      expect({ stdout, stderr }).toEqual({ stdout: '1', stderr: '' });
      expect((await readdir(folder)).filter((name) => name.startsWith('headwater-llama-'))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  60_000,
);

it('says what to install where llama.cpp is missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-test-'));
  try {
    for (const part of ['engines/llama', 'operators/meter.js', 'schemas/errors.js']) {
      await cp(new URL(part, dist), join(folder, part), { recursive: true });
    }
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const file = join(folder, 'script.js');
    await writeFile(
      file,
      `import { llama } from './engines/llama/llama.js';
       await llama({ name: 'm', file: 'm.gguf' }).catch(({ code, message }) => console.log(code, message));`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    expect(stdout).toMatch(/^engine-missing .*npm install node-llama-cpp@/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
