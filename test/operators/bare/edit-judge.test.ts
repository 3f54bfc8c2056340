import { expect, test } from 'vitest';
import { editJudge } from '../../../operators/bare/edit-judge.js';
import type { Embedder } from '../../../operators/embedder.js';
import { mail } from './mail.js';

const draft = { subject: 'Soup', body: 'Come at one, ther will be soup.' };
const edit = { subject: 'Soup', body: 'Come at one, there will be soup.' };

/** Texts at the given cosine to each other; counts what it is asked. */
function embedderAt(cosine: number) {
  let asked = 0;
  const embedder: Embedder = {
    id: 'test/angle',
    dimensions: 2,
    embed: async () => {
      asked += 1;
      return [new Float32Array([1, 0]), new Float32Array([cosine, Math.sqrt(1 - cosine * cosine)])];
    },
    close: async () => undefined,
  };
  return { embedder, asked: () => asked };
}

test('a light edit is no worse than its draft', async () => {
  expect(await editJudge({ domain: mail })(draft, edit)).toBeUndefined();
  expect(await editJudge({ domain: mail, embedder: embedderAt(0.75).embedder })(draft, edit)).toBeUndefined();
});

test('an edit is far where its cosine is under the limit', async () => {
  const { embedder } = embedderAt(0.75);
  expect(await editJudge({ domain: mail, embedder, minCosine: 0.8 })(draft, edit)).toBe('far');
  expect(await editJudge({ domain: mail, embedder: embedderAt(0.65).embedder })(draft, edit)).toBe('far');
});

test('an edit is short or long by the share of characters, and then no vector is asked for', async () => {
  const { embedder, asked } = embedderAt(1);
  const judge = editJudge({ domain: mail, embedder, minLengthRatio: 0.5 });
  expect(await judge(draft, { ...draft, body: 'Come.' })).toBe('short');
  expect(await judge(draft, { ...draft, body: `${edit.body} Bring bread, and a spoon, and your brother.` })).toBe(
    'long',
  );
  expect(asked()).toBe(0);
});

test('the same text is as good, whatever it breaks', async () => {
  const { embedder, asked } = embedderAt(0);
  const bad = { subject: 'Soup', body: '<b>Come' };
  expect(await editJudge({ domain: mail, embedder })(bad, { ...bad })).toBeUndefined();
  expect(asked()).toBe(0);
});
