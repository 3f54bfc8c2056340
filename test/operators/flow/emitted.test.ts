import { EMPTY, from, lastValueFrom, Subject, throwError, toArray } from 'rxjs';
import { expect, test } from 'vitest';

import { emitted } from '../../../operators/flow/emitted.js';
import type { Outcome } from '../../../operators/flow/outcome.js';

const outcomes: readonly Outcome<string, number>[] = [
  { kind: 'emitted', input: 'a', outputs: [1, 2] },
  { kind: 'absorbed', input: 'b' },
  { kind: 'dropped', input: 'c', reason: 'unparsable' },
  { kind: 'emitted', input: 'd', outputs: [] },
  { kind: 'dead', input: 'e', code: 'operator-failed', message: 'it threw' },
  { kind: 'emitted', input: 'f', outputs: [3] },
];

test('lets out what was emitted, in order, and nothing else', async () => {
  expect(await lastValueFrom(from(outcomes).pipe(emitted(), toArray()))).toEqual([1, 2, 3]);
});

test('completes and errors with its source', async () => {
  expect(await lastValueFrom(EMPTY.pipe(emitted(), toArray()))).toEqual([]);
  await expect(lastValueFrom(throwError(() => new Error('broken')).pipe(emitted(), toArray()))).rejects.toThrow(
    'broken',
  );
});

test('leaves its source when it is left', () => {
  const source = new Subject<Outcome<string, number>>();
  const subscription = source.pipe(emitted()).subscribe();
  subscription.unsubscribe();
  expect(source.observed).toBe(false);
});
