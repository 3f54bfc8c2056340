import { expect, it } from 'vitest';

import { sameModel } from '../../engines/same-model.js';
import { answering, completion } from './answering.js';

const request = { prompt: 'a', temperature: 0, maxTokens: 9 };

function named(names: readonly string[]) {
  const left = [...names];
  return answering(() => ({ ...completion(1, 1), model: `openai/${left.shift()}` }));
}

it('tells of each change once, with both names, and counts them all', async () => {
  const changes: string[] = [];
  let counted = 0;
  const model = sameModel(named(['a', 'a', 'b', 'b', 'a', 'b', 'c']), {
    changed: (from, to) => changes.push(`${from} > ${to}`),
    meter: { count: (_name, value = 1) => (counted += value) },
  });
  const answers: string[] = [];
  for (let n = 0; n < 7; n++) answers.push((await model.complete(request)).model);
  expect(changes).toEqual(['openai/a > openai/b', 'openai/b > openai/a', 'openai/b > openai/c']);
  expect(counted).toBe(4);
  expect(answers.at(-1)).toBe('openai/c');
});

it('stops where it is told to, and says which model came', async () => {
  const changes: string[] = [];
  const model = sameModel(named(['a', 'b', 'a']), {
    changed: (from, to) => changes.push(`${from} > ${to}`),
    stop: true,
  });
  await model.complete(request);
  const failed = model.complete(request);
  await expect(failed).rejects.toMatchObject({ code: 'model-changed', message: expect.stringContaining('openai/b') });
  expect((await model.chat({ ...request, messages: [] })).model).toBe('openai/a');
  expect(changes).toEqual(['openai/a > openai/b']);
});
