import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DistinctGrams, maxWords, wordHashes } from '../../../operators/quality/distinct-grams.js';
import { editDistance } from '../../../operators/quality/edit-distance.js';
import { packed, unpackedFloat32, unpackedFloat64, unpackedUint32 } from '../../../operators/quality/packed.js';

const texts = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'dd', 'e'), { maxLength: 12 }), { maxLength: 12 });

describe('DistinctGrams', () => {
  test('equals counting the runs themselves, after any adds and removes', () => {
    fc.assert(
      fc.property(texts, fc.nat(12), fc.constantFrom(1, 2, 3), (words, leaving, size) => {
        const grams = new DistinctGrams(size);
        for (const text of words) grams.add(wordHashes(text));
        for (const text of words.slice(0, leaving)) grams.remove(wordHashes(text));
        const runs = words
          .slice(leaving)
          .flatMap((text) =>
            text.slice(0, Math.max(0, text.length - size + 1)).map((_, i) => text.slice(i, i + size).join(' ')),
          );
        expect([grams.total, grams.distinct]).toEqual([runs.length, new Set(runs).size]);
        expect(grams.share).toBe(runs.length === 0 ? 0 : new Set(runs).size / runs.length);
      }),
    );
  });

  test('tells 300,000 runs apart', () => {
    const words = wordHashes(Array.from({ length: 1000 }, (_, n) => `word${n}`));
    expect(new Set(words).size).toBe(1000);
    const grams = new DistinctGrams(2);
    for (let shift = 1; shift <= 300; shift++) {
      for (const [n, word] of words.entries()) grams.add(Uint32Array.of(word, words[(n + shift) % 1000] ?? 0));
    }
    expect(grams.distinct).toBe(300_000);
  });

  test('looks at so many words of a text', () => {
    const endless = Array.from({ length: maxWords + 500 }, (_, n) => String(n));
    expect(wordHashes(endless)).toHaveLength(maxWords);
  });

  test('refuses what is not inside', () => {
    expect(() => new DistinctGrams(2).remove(wordHashes(['a', 'b']))).toThrow('the text is not inside');
    expect(() => new DistinctGrams(0)).toThrow('size: expected an integer from 1, got 0');
  });
});

describe('editDistance', () => {
  test('is the share of characters that were rewritten', () => {
    expect(editDistance('', '')).toBe(0);
    expect(editDistance('', 'abc')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBeCloseTo(3 / 7, 12);
    expect(editDistance('the river rose', 'the river rose')).toBe(0);
  });

  test('equals the table of Wagner and Fischer', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (a, b) => {
        expect(editDistance(a, b)).toBeCloseTo(table(a, b) / Math.max(a.length, b.length, 1), 12);
      }),
    );
  });

  test('takes no time for texts of 10 MB', () => {
    expect(editDistance('a'.repeat(1e7), 'b'.repeat(1e7))).toBe(1);
  });
});

describe('packed numbers', () => {
  test('come back to the last bit', () => {
    fc.assert(
      fc.property(fc.float64Array({ maxLength: 9 }), (numbers) => {
        expect(unpackedFloat64(packed(numbers), numbers.length)).toEqual(numbers);
        expect(unpackedUint32(packed(new Uint32Array(numbers.buffer)))).toEqual(new Uint32Array(numbers.buffer));
      }),
    );
    expect(unpackedFloat32(packed(Float32Array.of(0.1, -2)), 2)).toEqual(Float32Array.of(0.1, -2));
  });

  test('that are cut, of another number or no text are refused', () => {
    expect(() => unpackedFloat64('AAAA', 1)).toThrow('a number that is cut');
    expect(() => unpackedFloat32(packed(Float32Array.of(1)), 2)).toThrow('1 numbers, not 2');
    expect(() => unpackedUint32(7)).toThrow('holds 7, where packed numbers belong');
  });
});

function table(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above.at(-1) ?? 0;
}
