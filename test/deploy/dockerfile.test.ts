import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repository } from './manifest-files.js';

const folder = join(repository, 'deploy', 'docker');
const instructions = readFileSync(join(folder, 'Dockerfile'), 'utf8')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');
const allowed = readFileSync(join(folder, 'Dockerfile.dockerignore'), 'utf8')
  .split('\n')
  .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));

test('what is copied from the repository is there, and nothing else is sent to the builder', () => {
  const copied = instructions
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1));
  expect(copied.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  expect(new Set(copied.map((path) => path.split('/')[0]))).toEqual(new Set(allowed));
});

test('every folder that the compiler needs is copied', () => {
  const { include } = JSON.parse(readFileSync(join(repository, 'tsconfig.build.json'), 'utf8')) as {
    readonly include: readonly string[];
  };
  for (const name of include) expect(instructions).toContain(`COPY ${name} ${name}`);
});

test('every base image is that of the Node.js that the package asks for, or empty', () => {
  const stages = instructions.flatMap((line) => /AS (\S+)$/.exec(line)?.[1] ?? []);
  const bases = instructions.flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? []);
  const outside = bases.filter((base) => !stages.includes(base));
  expect(new Set(outside)).toEqual(new Set(['node:20-slim', 'scratch']));
});

test('the image runs as a number, and the program itself gets the signals', () => {
  const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
  const user = last.find((line) => line.startsWith('USER '));
  const entry = last.find((line) => line.startsWith('ENTRYPOINT '));
  expect(user).toMatch(/^USER [1-9]\d*:[1-9]\d*$/);
  expect(JSON.parse(entry?.slice('ENTRYPOINT '.length) ?? '')).toEqual([
    'node',
    expect.stringContaining('headwater.js'),
  ]);
});
