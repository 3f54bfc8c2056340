import { inspect } from 'node:util';
import { expect, it } from 'vitest';

import { openEngines } from '../../cli/engines.js';
import { recipe } from '../../schemas/recipe.js';

/** What opening the engine of drafts says where nothing listens. */
async function failure(engine: 'openai' | 'openai-batch', url: string): Promise<unknown> {
  const parsed = recipe.parse({
    name: 'mails',
    domain: { about: 'short e-mails', fields: { subject: {} } },
    inputs: { seeds: 'seeds.jsonl' },
    models: { base: { engine, url: 'http://127.0.0.1:9/v1', model: 'm' } },
    target: { samples: 8 },
  });
  const { base } = parsed.models;
  if (base === undefined || !('url' in base)) throw new Error('no base model');
  const opening = openEngines({ ...parsed, models: { ...parsed.models, base: { ...base, url } } }, ['draft'], {
    base: '.',
    environment: {},
    signal: new AbortController().signal,
    progress: () => undefined,
    pulled: () => undefined,
    pipeline: 'mails',
    modelChanged: () => undefined,
  });
  return opening.then(
    () => 'opened',
    (error: unknown) => error,
  );
}

it.each(['openai', 'openai-batch'] as const)('%s: no secret of a URL is told', async (engine) => {
  const withUser = await failure(engine, 'http://me:secret@127.0.0.1:9/v1');
  expect(withUser).toMatchObject({ code: 'recipe-invalid', message: expect.stringContaining('no user or password') });
  expect(inspect(withUser)).not.toContain('secret');
  const withQuery = await failure(engine, 'http://127.0.0.1:9/v1?key=secret');
  expect(withQuery).toHaveProperty('code');
  expect(inspect(withQuery)).not.toContain('secret');
});
