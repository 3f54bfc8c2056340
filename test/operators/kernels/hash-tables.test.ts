import fc from 'fast-check';
import { expect, test } from 'vitest';

import { GramTable } from '../../../operators/kernels/diversity/gram-table.js';
import { NewestHashes } from '../../../operators/kernels/diversity/newest-hashes.js';
import { randomFrom } from '../../../operators/kernels/random.js';

/** Few enough that they come again, many of them in the same bucket. */
const halves = fc.constantFrom(0, 1, 5, 1024, 1025, 0x7fffffff, 0xffffffff);

test('NewestHashes knows the newest of what was added, as a list does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(halves, halves), { maxLength: 80 }),
      fc.integer({ min: 1, max: 9 }),
      (all, capacity) => {
        const hashes = new NewestHashes(capacity);
        const added: string[] = [];
        for (const [low, high] of all) {
          const key = `${low} ${high}`;
          const last = added.lastIndexOf(key);
          expect(hashes.numberOf(low, high)).toBe(last >= added.length - capacity ? last : -1);
          expect(hashes.add(low, high)).toBe(added.length);
          added.push(key);
          expect(hashes.size).toBe(Math.min(added.length, capacity));
        }
      },
    ),
  );
});

test('NewestHashes finds all after it has grown', () => {
  const hashes = new NewestHashes(10_000);
  const random = randomFrom(1);
  const all = Array.from({ length: 10_000 }, () => [random.uint32(), random.uint32()] as const);
  for (const [low, high] of all) hashes.add(low, high);
  for (const [number, [low, high]] of all.entries()) expect(hashes.numberOf(low, high)).toBe(number);
  expect(() => new NewestHashes(0)).toThrow('capacity: expected an integer of at least 1, got 0');
});

test('GramTable keeps the first number of each hash, as a map does', () => {
  const random = randomFrom(2);
  const table = new GramTable();
  const map = new Map<string, number>();
  for (let number = 0; number < 20_000; number++) {
    const [low, high] = [random.below(3000), random.below(3)];
    table.add(low, high, number);
    if (!map.has(`${low} ${high}`)) map.set(`${low} ${high}`, number);
  }
  expect(table.size).toBe(map.size);
  for (let low = 0; low < 3100; low++) {
    for (let high = 0; high < 3; high++) expect(table.get(low, high)).toBe(map.get(`${low} ${high}`) ?? -1);
  }
  table.add(0xffffffff, 0x80000000, 7);
  expect(table.get(0xffffffff, 0x80000000)).toBe(7);
  expect(table.bytes).toBeLessThan(48 * table.size);
});
