import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parsePath, valueAt } from '../../../streams/intake/value-path.js';

const at = (value: unknown, path: string) => valueAt(value, parsePath(path));

describe('parsePath', () => {
  it('takes names and indexes apart', () => {
    expect(parsePath('$.a.b-c[0].ünï[12][3]')).toEqual(['a', 'b-c', 0, 'ünï', 12, 3]);
  });

  it.each(['', '$', 'a.b', '$.', '$..a', '$.a.', '$.a[]', '$.a[-1]', '$.a[b]', "$['a']", '$.*', '$.a b', '$[?(@.x)]'])(
    "refuses '%s' and shows how it should look",
    (path) => {
      expect(() => parsePath(path)).toThrow(
        expect.objectContaining({ code: 'recipe-invalid', message: expect.stringContaining('$.items[0].text') }),
      );
    },
  );
});

describe('valueAt', () => {
  it('finds what stands there, false and null too', () => {
    const value = { a: [{ b: false }, { b: null }, { b: 0 }], 'c-d': '' };
    expect(['$.a[0].b', '$.a[1].b', '$.a[2].b', '$.c-d'].map((path) => at(value, path))).toEqual([false, null, 0, '']);
  });

  it.each([
    '$.toString',
    '$.a.length',
    '$.a[3]',
    '$.a.0',
    '$[0]',
    '$.text[0]',
    '$.text.length',
    '$.__proto__',
    '$.none.x',
  ])('finds nothing at %s', (path) => {
    expect(at({ a: [1, 2, 3], text: 'river', none: null }, path)).toBeUndefined();
  });

  it('finds nothing in what is no object', () => {
    for (const value of [null, undefined, 5, 'text', true]) expect(at(value, '$.a')).toBeUndefined();
  });

  it('finds any value that was put at any path', () => {
    const key = fc.oneof(fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{0,8}$/), fc.nat(20));
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 6 }), fc.jsonValue(), (keys, value) => {
        const nested = keys.reduceRight<unknown>((inner, key) => {
          if (typeof key === 'string') return Object.fromEntries([[key, inner]]);
          return [...Array(key).fill('other'), inner];
        }, value);
        const path = keys.map((key) => (typeof key === 'string' ? `.${key}` : `[${key}]`)).join('');
        expect(at(nested, `$${path}`)).toEqual(value);
      }),
    );
  });
});
