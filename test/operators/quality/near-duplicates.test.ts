import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Random, randomFrom } from '../../../operators/kernels/random.js';
import { gramHashes, tokensOf, wordHashes } from '../../../operators/quality/gram-hashes.js';
import { NearDuplicates } from '../../../operators/quality/near-duplicates.js';
import { wordGrams } from '../../../operators/quality/words.js';

/** The slow reference: the similarity of the very sets of grams. */
function jaccard(a: string, b: string): number {
  const [left, right] = [wordGrams(tokensOf(a)), wordGrams(tokensOf(b))];
  let shared = 0;
  for (const gram of left) if (right.has(gram)) shared += 1;
  return left.size + right.size === 0 ? 1 : shared / (left.size + right.size - shared);
}

function textOf(random: Random, words: number): string {
  return Array.from({ length: words }, () => `w${random.below(5000)}`).join(' ');
}

function changed(text: string, edits: number, random: Random): string {
  const words = text.split(' ');
  for (let edit = 0; edit < edits; edit++) words[random.below(words.length)] = `x${random.below(5000)}`;
  return words.join(' ');
}

describe('NearDuplicates', () => {
  test('finds pairs by their exact similarity: those at 0.8 and above, few below 0.7, none below 0.5', () => {
    const random = randomFrom(11);
    const seen = { above: 0, aboveFound: 0, below: 0, belowFound: 0, far: 0, farFound: 0 };
    for (let pair = 0; pair < 2000; pair++) {
      const near = new NearDuplicates({ capacity: 10, seed: pair });
      const text = textOf(random, 100);
      const copy = changed(text, random.below(9), random);
      near.add(text);
      const found = near.find(copy) === undefined ? 0 : 1;
      const exact = jaccard(text, copy);
      if (exact >= 0.8) {
        seen.above += 1;
        seen.aboveFound += found;
      } else if (exact < 0.7 && exact >= 0.5) {
        seen.below += 1;
        seen.belowFound += found;
      } else if (exact < 0.5) {
        seen.far += 1;
        seen.farFound += found;
      }
    }
    expect(Math.min(seen.above, seen.below, seen.far)).toBeGreaterThan(100);
    expect(seen.aboveFound / seen.above).toBeGreaterThan(0.95);
    expect(seen.belowFound / seen.below).toBeLessThan(0.1);
    expect(seen.farFound).toBe(0);
  });

  test('its estimate is the exact similarity within five standard errors', () => {
    const random = randomFrom(12);
    for (let pair = 0; pair < 300; pair++) {
      const near = new NearDuplicates({ capacity: 1, threshold: 0.5, seed: pair });
      const text = textOf(random, 80);
      const copy = changed(text, random.below(4), random);
      near.add(text);
      const exact = jaccard(text, copy);
      const found = near.find(copy);
      if (found !== undefined) expect(Math.abs(found.jaccard - exact)).toBeLessThan(5 * Math.sqrt(0.25 / 128));
      if (exact === 1) expect(found?.jaccard).toBe(1);
    }
  });

  test('keeps the newest, under the numbers in which they came, as a list would', () => {
    const texts = fc.array(fc.nat(12), { maxLength: 60 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 6 }), (numbers, capacity) => {
        const near = new NearDuplicates({ capacity });
        const kept: number[] = [];
        for (const number of numbers) {
          const text = textOf(randomFrom(number), 20);
          const last = kept.slice(-capacity).lastIndexOf(number);
          const expected = last < 0 ? undefined : Math.max(0, kept.length - capacity) + last;
          expect(near.find(text)?.number).toBe(expected);
          expect(near.add(text)).toBe(kept.length);
          kept.push(number);
          expect(near.size).toBe(Math.min(kept.length, capacity));
        }
      }),
    );
  });

  test('arrays grow, and what was kept before is still found', () => {
    const near = new NearDuplicates({ capacity: 5000 });
    for (let n = 0; n < 5000; n++) near.add(textOf(randomFrom(n), 20));
    for (const n of [0, 1023, 1024, 2047, 4096, 4999]) expect(near.find(textOf(randomFrom(n), 20))?.number).toBe(n);
    near.add(textOf(randomFrom(5000), 20));
    expect(near.find(textOf(randomFrom(0), 20))).toBeUndefined();
    expect(near.find(textOf(randomFrom(1), 20))?.number).toBe(1);
    expect(near.bytes).toBe(5000 * 128 + 4 * 16 * (5000 + 8192));
  });

  test('time stays bounded where all texts are alike without being duplicates', () => {
    const near = new NearDuplicates({ capacity: 20_000 });
    const random = randomFrom(5);
    const text = textOf(random, 100);
    const others = Array.from({ length: 20_000 }, () => near.signatureOf(changed(text, 9, random)));
    for (const other of others) near.add(other);
    const before = process.cpuUsage();
    for (let n = 0; n < 200; n++) near.find(near.signatureOf(changed(text, 12, random)));
    expect(process.cpuUsage(before).user / 200).toBeLessThan(5000);
  });

  test('what is shorter than a gram is compared as it is, and signs of a sum count', () => {
    const near = new NearDuplicates({ capacity: 100 });
    near.add('What is 5 - 3?');
    expect(near.find('What is 5 + 3?')).toBeUndefined();
    expect(near.find('WHAT is: 5 -3')?.jaccard).toBe(1);
    near.add('\u{1F600}');
    expect(near.find('\u{1F389}')).toBeUndefined();
    expect(near.find('\u{1F600}')?.number).toBe(1);
    near.add('');
    expect(near.find('!')).toBeUndefined();
  });

  test('options that cannot be are refused by name', () => {
    expect(() => new NearDuplicates({ capacity: 0 })).toThrow('capacity: expected an integer of at least 1, got 0');
    expect(() => new NearDuplicates({ capacity: 1, threshold: 0.2 })).toThrow(
      'threshold: expected a number in [0.3, 1]',
    );
    expect(new NearDuplicates({ capacity: 1, threshold: 1 }).find('a')).toBeUndefined();
  });
});

describe('wordHashes', () => {
  test('the quick way for ASCII finds the words that the pattern finds', () => {
    const piece = fc.constantFrom(
      'a',
      'Bc',
      '12',
      ' ',
      '-',
      '- 3',
      '+',
      '=',
      '<',
      '*',
      '/',
      '^',
      '|',
      '~',
      "'",
      '.',
      '\n',
      '\t',
      '(',
      '_',
      '$',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        // a letter that is not ASCII makes the pattern find the words; as one more word it stands last
        const [quick, slow] = [wordHashes(text), wordHashes(`${text} é`)];
        expect(quick.count).toBe(tokensOf(text).length);
        expect(slow.count).toBe(quick.count + 1);
        expect([...slow.low.subarray(0, quick.count)]).toEqual([...quick.low.subarray(0, quick.count)]);
        expect([...slow.high.subarray(0, quick.count)]).toEqual([...quick.high.subarray(0, quick.count)]);
      }),
      { numRuns: 1000 },
    );
  });

  test('as many different grams as there are in the text', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c', 'é', '7'), { maxLength: 40 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 6 }), (list, size) => {
        const text = list.join(' ');
        const hashes = gramHashes(wordHashes(text), size);
        expect(new Set(hashes).size).toBe(wordGrams(tokensOf(text), size).size);
      }),
    );
  });
});
