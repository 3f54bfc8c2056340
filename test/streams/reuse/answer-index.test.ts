import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AnswerIndex, type AnswerPlace } from '../../../streams/reuse/answer-index.js';

const hash = fc.stringMatching(/^[0-9a-f]{32}$/);
const place = fc.record({ source: fc.nat({ max: 65_534 }), offset: fc.nat({ max: 2 ** 48 - 1 }) });

describe('the index of answers', () => {
  it('finds each place by the hash of its request, the first where hashes are equal, as a map does', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(hash, place), { maxLength: 60 }), fc.array(hash), (entries, others) => {
        const index = new AnswerIndex();
        const expected = new Map<string, AnswerPlace>();
        for (const [request, at] of [...entries, ...entries]) {
          expect(index.add(request, at)).toBe(!expected.has(request));
          if (!expected.has(request)) expected.set(request, at);
        }
        expect(index.size).toBe(expected.size);
        for (const request of [...expected.keys(), ...others])
          expect(index.find(request)).toEqual(expected.get(request));
      }),
    );
  });

  it('keeps hashes apart that want the same slot', () => {
    const index = new AnswerIndex();
    const requests = Array.from(
      { length: 500 },
      (_, n) => `${n.toString(16).padStart(8, '0')}00000007${'0'.repeat(16)}`,
    );
    for (const [offset, request] of requests.entries()) index.add(request, { source: 0, offset });
    expect(requests.map((request) => index.find(request)?.offset)).toEqual(requests.map((_, offset) => offset));
    expect(index.find(`ffffffff00000007${'0'.repeat(16)}`)).toBeUndefined();
  });

  it('takes at most 43 bytes an answer, for 200,000 of them, and finds them all', () => {
    const index = new AnswerIndex();
    const request = (n: number) =>
      ((BigInt(n) * 0x9e3779b97f4a7c15f39cc0605cedc835n) & ((1n << 128n) - 1n)).toString(16).padStart(32, '0');
    for (let n = 0; n < 200_000; n += 1) {
      index.add(request(n), { source: n % 7, offset: n });
      if (n > 1000) expect(index.bytes / index.size).toBeLessThan(43);
    }
    expect(index.size).toBe(200_000);
    for (let n = 0; n < 200_000; n += 37) expect(index.find(request(n))).toEqual({ source: n % 7, offset: n });
  });

  it.each(['', 'abc', 'g'.repeat(32), 'A'.repeat(32)])('refuses %j, which is no hash', (request) => {
    expect(() => new AnswerIndex().add(request, { source: 0, offset: 0 })).toThrow(TypeError);
  });
});
