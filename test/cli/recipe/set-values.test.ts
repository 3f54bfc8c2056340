import { describe, expect, it } from 'vitest';

import { parseSet } from '../../../cli/recipe/set-values.js';

describe('--set', () => {
  it.each([
    ['seed=8', 8],
    ['inputs.documents=*.txt', '*.txt'],
    ['inputs.seeds=**/*.jsonl', '**/*.jsonl'],
    ['target={samples: 3}', { samples: 3 }],
    ['domain.about=', null],
  ])('reads %s', (text, value) => {
    expect(parseSet(text).value).toEqual(value);
  });

  it.each(['a=[*x]', 'a={b: *x}', 'a: b', '=1', 'a=[1'])('refuses %s, and says which', (text) => {
    expect(() => parseSet(text)).toThrow(expect.objectContaining({ code: 'recipe-invalid' }));
    expect(() => parseSet(text)).toThrow(`--set ${text}`);
  });
});
