import fc from 'fast-check';
import { expect, it } from 'vitest';

import { Slots } from '../../../engines/openai/slots.js';

const forever = new AbortController().signal;

it('gives slots in order, and never more than there are', async () => {
  const slots = new Slots(2);
  const taken: number[] = [];
  const all = [0, 1, 2, 3].map((who) => slots.take(forever).then(() => taken.push(who)));
  await Promise.all(all.slice(0, 2));
  expect(taken).toEqual([0, 1]);
  slots.give();
  await all[2];
  expect(taken).toEqual([0, 1, 2]);
  slots.give();
  await all[3];
  expect(taken).toEqual([0, 1, 2, 3]);
});

it('loses no slot to those who leave, whatever the order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('take', 'leave', 'give'), { maxLength: 60 }), async (steps) => {
      const slots = new Slots(3);
      const waiting: AbortController[] = [];
      let held = 0;
      for (const step of steps) {
        if (step === 'take') {
          const leaving = new AbortController();
          waiting.push(leaving);
          slots.take(leaving.signal).then(
            () => {
              held += 1;
              waiting.splice(waiting.indexOf(leaving), 1);
            },
            () => undefined,
          );
        } else if (step === 'leave') {
          waiting.pop()?.abort();
        } else if (held > 0) {
          held -= 1;
          slots.give();
        }
        await Promise.resolve();
        await Promise.resolve();
        expect(held).toBeLessThanOrEqual(3);
        expect(waiting.length === 0 || held === 3).toBe(true);
      }
    }),
  );
});

it('rejects with the reason of the signal', async () => {
  const slots = new Slots(1);
  await slots.take(forever);
  const leaving = new AbortController();
  const queued = slots.take(leaving.signal);
  leaving.abort('gone');
  await expect(queued).rejects.toBe('gone');
  await expect(slots.take(AbortSignal.abort('never'))).rejects.toBe('never');
});
