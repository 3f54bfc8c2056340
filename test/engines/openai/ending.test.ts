import { expect, it } from 'vitest';

import { Ending } from '../../../engines/openai/ending.js';

it('tells its listeners once, and those that come later at once', () => {
  const told: unknown[] = [];
  const ending = new Ending();
  ending.listen((reason) => told.push(['before', reason]));
  const unlisten = ending.listen((reason) => told.push(['left', reason]));
  unlisten();
  ending.end('enough');
  ending.end('again');
  ending.listen((reason) => told.push(['after', reason]))();
  expect(told).toEqual([
    ['before', 'enough'],
    ['after', 'enough'],
  ]);
  expect(ending.signal().reason).toBe('enough');
});
