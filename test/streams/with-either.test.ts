import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';

import { withEither } from '../../streams/with-either.js';

const sources = () => [new AbortController(), new AbortController()] as const;
const signalsOf = (controllers: readonly AbortController[]) => controllers.map(({ signal }) => signal);
const listening = (controllers: readonly AbortController[]) =>
  controllers.reduce((sum, { signal }) => sum + getEventListeners(signal, 'abort').length, 0);

test.each([0, 1])('is aborted when signal %i is', async (which) => {
  const controllers = sources();
  const aborted = await withEither(signalsOf(controllers), async (either) => {
    const heard = new Promise((resolve) => either.addEventListener('abort', () => resolve(either.aborted)));
    expect(either.aborted).toBe(false);
    controllers[which]?.abort();
    return heard;
  });
  expect(aborted).toBe(true);
});

test('is aborted from the start where a signal is already', async () => {
  const controllers = sources();
  controllers[1].abort();
  expect(await withEither(signalsOf(controllers), async ({ aborted }) => aborted)).toBe(true);
});

test('lets go of its signals when the work ends, in either way', async () => {
  const controllers = sources();
  await withEither(signalsOf(controllers), async () => expect(listening(controllers)).toBe(2));
  expect(listening(controllers)).toBe(0);
  const failed = withEither(signalsOf(controllers), () => Promise.reject(new Error('it failed')));
  await expect(failed).rejects.toThrow('it failed');
  expect(listening(controllers)).toBe(0);
});
