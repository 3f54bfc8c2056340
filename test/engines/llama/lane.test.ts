import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { chunkEnds } from '../../../engines/llama/lane.js';

describe('chunkEnds', () => {
  it('covers all but the last token, in chunks, with an end at the shared prefix', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.nat(600),
        fc.integer({ min: 1, max: 70 }),
        (length, shared, chunk) => {
          const ends = chunkEnds(length, shared, chunk);
          const starts = [0, ...ends.slice(0, -1)];
          expect(ends.at(-1) ?? 0).toBe(length - 1);
          for (const [index, end] of ends.entries()) {
            const size = end - (starts[index] ?? 0);
            expect(size).toBeGreaterThan(0);
            expect(size).toBeLessThanOrEqual(chunk);
          }
          if (shared > 0 && length > 1) expect(ends).toContain(Math.min(shared, length - 1));
        },
      ),
    );
  });

  it('cuts the shared prefix alike, whatever follows it', () => {
    const head = (length: number) => chunkEnds(length, 150, 64).filter((end) => end <= 150);
    expect(head(151)).toEqual([64, 128, 150]);
    expect(head(1000)).toEqual(head(151));
  });
});
