import { expect, it, vi } from 'vitest';

import { steadyClock } from '../../../engines/openai/clock.js';

it('goes on when the time of day is set back', () => {
  const before = steadyClock.now();
  const now = Date.now();
  const setBack = vi.spyOn(Date, 'now').mockReturnValue(now - 3_600_000);
  try {
    expect(steadyClock.now()).toBeGreaterThanOrEqual(before);
    expect(steadyClock.now() - before).toBeLessThan(60_000);
  } finally {
    setBack.mockRestore();
  }
});
