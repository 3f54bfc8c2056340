import { describe, expect, it } from 'vitest';

import { recipe } from '../../schemas/recipe.js';
import { firstIssue } from '../../schemas/record.js';

const least = {
  name: 'word-problems',
  domain: { about: 'word problems', fields: { question: {} } },
  inputs: { seeds: 'seeds.jsonl' },
  models: { base: { engine: 'llama', model: 'small' } },
  target: { samples: 10 },
};

function bytesOf(bytes: unknown): number {
  return recipe.parse({ ...least, shards: { bytes } }).shards.bytes;
}

function everyOf(every: unknown): number | undefined {
  return recipe.parse({ ...least, shards: { every } }).shards.every;
}

function issueOf(change: Readonly<Record<string, unknown>>): string {
  const result = recipe.safeParse({ ...least, ...change });
  return result.success ? 'nothing' : firstIssue(result.error);
}

describe('a recipe', () => {
  it('has a default for all that it need not say', () => {
    expect(recipe.parse(least)).toMatchObject({
      method: 'bare',
      seed: 7,
      models: { embed: { engine: 'static' } },
      steps: {
        draft: { examples: 3, attempts: 3 },
        refine: { attempts: 2, minCosine: 0.7, minLengthRatio: 0.6 },
        gate: { seedOverlap: 0.6 },
        rollingMmd: { window: 512, frequencies: 512, every: 8 },
      },
      shards: { dir: 'out', format: 'parquet', compression: 'zstd', rows: 5000, bytes: 64 * 2 ** 20, embeddings: true },
      topics: { kind: 'log', partitions: 1 },
    });
  });

  it.each([
    ['64MiB', 64 * 2 ** 20],
    ['64 MiB', 64 * 2 ** 20],
    ['1.5KiB', 1536],
    ['2GB', 2e9],
    ['10B', 10],
    ['10', 10],
    [10, 10],
  ])('reads %j as bytes', (written, bytes) => {
    expect(bytesOf(written)).toBe(bytes);
  });

  it.each([
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['250ms', 250],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    [5, 5],
  ])('reads %j as milliseconds', (written, milliseconds) => {
    expect(everyOf(written)).toBe(milliseconds);
  });

  it.each(['64 mib', 'MiB', '-1MiB', '1e3', '30s', '', 0, -5, null])('refuses %j as bytes', (written) => {
    expect(issueOf({ shards: { bytes: written } })).toContain("has a bad 'shards.bytes'");
  });

  it.each(['5', '30 seconds', '1MiB'])('refuses %j as a time', (written) => {
    expect(issueOf({ shards: { every: written } })).toContain("has a bad 'shards.every'");
  });

  it.each(['off', false])('switches a step off with %j', (off) => {
    const { steps } = recipe.parse({ ...least, steps: { refine: off, rollingMmd: off } });
    expect([steps.refine, steps.rollingMmd]).toEqual(['off', 'off']);
  });

  it.each([
    [{ name: 'Word problems' }, 'name'],
    [{ target: { samples: 0 } }, 'target'],
    [{ target: { samples: 1, endless: true } }, 'target'],
    [{ models: { base: { engine: 'llama' } } }, 'models.base.model'],
    [{ models: { base: { engine: 'gpt' } } }, 'models.base.engine'],
    [{ models: { base: { engine: 'openai', url: 'file:///x', model: 'm' } } }, 'models.base.url'],
    [{ models: { base: { engine: 'openai', url: 'http://x', model: 'm', key: 'sk-1' } } }, 'models.base.key'],
    [{ inputs: {} }, 'inputs.seeds'],
    [{ seed: 2 ** 32 }, 'seed'],
    [{ topics: { partitions: 0 } }, 'topics.partitions'],
    [{ domain: { about: 'texts', fields: { id: {} } } }, 'domain.fields.id'],
  ])('says where %j is wrong', (change, path) => {
    expect(issueOf(change)).toContain(`has a bad '${path}`);
  });
});
