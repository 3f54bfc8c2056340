import { describe, expect, test } from 'vitest';

import { runSteered } from './steered-river.js';

const samples = 12;

describe('a river ends with its samples, whichever of these is on', () => {
  test.each(crossed())(
    'explore $explore, align $align, rollingMmd $rollingMmd',
    async ({ explore, align, rollingMmd }) => {
      const run = await runSteered({
        writer: { own: [1, 1, 1, 1], stubborn: 0 },
        real: [0.4, 0.3, 0.2, 0.1],
        realRecords: 24,
        samples,
        window: 8,
        steps: {
          steer: 'off',
          explore: explore === 'on' ? { inducing: 32, candidates: 128 } : 'off',
          align: align === 'on' ? { buffer: 16, every: 4 } : 'off',
          ...(rollingMmd === 'on' ? {} : { rollingMmd: 'off' }),
        },
      });
      expect(run.samples).toHaveLength(samples);
    },
    20_000,
  );
});

function crossed() {
  const both = ['on', 'off'] as const;
  return both.flatMap((explore) =>
    both.flatMap((align) => both.map((rollingMmd) => ({ explore, align, rollingMmd }) as const)),
  );
}
