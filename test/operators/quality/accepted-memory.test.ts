import { describe, expect, test } from 'vitest';

import { randomFrom } from '../../../operators/kernels/random.js';
import { AcceptedMemory } from '../../../operators/quality/accepted-memory.js';
import { memoryAfter } from '../flow/operator-contract.js';

const sizes = { remember: 50, vectors: 20 };

function textOf(n: number): string {
  const random = randomFrom(n);
  return Array.from({ length: 30 }, () => `w${random.below(1000)}`).join(' ');
}

function vectorOf(n: number): Float32Array {
  const random = randomFrom(n);
  return Float32Array.from({ length: 32 }, () => random.gaussian());
}

/** A memory that has accepted the texts 0 to `count` - 1, and what its changes left. */
function filled(count: number, options = {}) {
  const memory = new Map<string, unknown>();
  const accepted = new AcceptedMemory({ ...sizes, ...options, memory });
  for (let n = 0; n < count; n++) {
    const changes = accepted.accept(accepted.sketchOf([textOf(n)], vectorOf(n)));
    for (const [key, value] of memoryAfter([{ kind: 'absorbed', input: n, changes }])) memory.set(key, value);
  }
  return { accepted, memory };
}

describe('AcceptedMemory', () => {
  test('what its changes left makes another that answers alike, and goes on alike', () => {
    for (const count of [0, 1, 19, 20, 21, 49, 50, 51, 130]) {
      const { accepted, memory } = filled(count);
      const again = new AcceptedMemory({ ...sizes, memory });
      expect(again.size).toBe(accepted.size);
      for (let n = 0; n < count + 2; n++) {
        const questions = [
          accepted.sketchOf([textOf(n).toUpperCase()], vectorOf(n)),
          accepted.sketchOf([textOf(n).replace('w', 'x')], vectorOf(n + 1000)),
          accepted.sketchOf([textOf(n + 1000)], vectorOf(n)),
        ];
        for (const question of questions) expect(again.find(question)).toEqual(accepted.find(question));
      }
      const next = accepted.sketchOf([textOf(count)], vectorOf(count));
      expect(again.accept(next)).toEqual(accepted.accept(next));
    }
  });

  test('finds each kind among the newest, names the text, and forgets the oldest', () => {
    const { accepted } = filled(60);
    const reasons = (n: number) => [
      accepted.find(accepted.sketchOf([` ${textOf(n)}\n`]))?.reason,
      accepted.find(accepted.sketchOf([textOf(n).replace(/w\d+$/u, 'other')]))?.reason,
      accepted.find(accepted.sketchOf([textOf(n + 1000)], vectorOf(n)))?.reason,
    ];
    expect(reasons(59)).toEqual(['duplicate', 'near-duplicate', 'semantic-duplicate']);
    expect(reasons(10)).toEqual(['duplicate', 'near-duplicate', undefined]);
    expect(reasons(9)).toEqual([undefined, undefined, undefined]);
    expect(accepted.find(accepted.sketchOf([textOf(42)]))?.detail).toContain('accepted text 42');
    expect(accepted.find(accepted.sketchOf([textOf(2000)], vectorOf(45)))?.detail).toMatch(
      /accepted text 45, cosine 1\.000/,
    );
  });

  test('has at most one entry for each text and vector that is remembered, of the stated size', () => {
    const { memory } = filled(200);
    expect(memory.size).toBe(sizes.remember + sizes.vectors);
    const bytes = [...memory]
      .filter(([key]) => key.startsWith('kept:'))
      .map(([key, value]) => key.length + String(value).length);
    expect(Math.max(...bytes)).toBeLessThan(210);
  });

  test('without near or semantic checks, nothing of them is kept', () => {
    const { accepted, memory } = filled(3, { near: 'off', semantic: 'off' });
    expect([...memory.keys()]).toEqual(['kept:0', 'kept:1', 'kept:2']);
    expect(accepted.find(accepted.sketchOf([textOf(1)]))?.reason).toBe('duplicate');
    expect(accepted.find(accepted.sketchOf([`${textOf(1)} more`], vectorOf(1)))).toBeUndefined();
  });

  test('a damaged memory, and one of another size, are refused', () => {
    const { memory } = filled(60);
    memory.delete('kept:7');
    expect(() => new AcceptedMemory({ ...sizes, memory })).toThrow(/lacks what it kept of accepted text 57/);
    expect(() => new AcceptedMemory({ ...sizes, remember: 40, memory: filled(60).memory })).toThrow(
      /kept with other sizes/,
    );
    expect(() => new AcceptedMemory({ remember: 0, memory: new Map() })).toThrow(
      'remember: expected an integer of at least 1, got 0',
    );
  });
});
