import type { Io } from '../io.js';
import { type CheckOptions, check } from './check.js';

/** `headwater check` of a recipe with arms: says of each what it would do. Resolves with the exit code. */
export async function checkArms(options: CheckOptions, arms: readonly string[], io: Io): Promise<number> {
  const reports: Record<string, unknown> = {};
  for (const arm of arms) {
    let printed = '';
    const own: Io = {
      ...io,
      out: (text) => {
        printed += text;
      },
      err: (text) => io.err(`arm ${arm}: ${text}`),
    };
    try {
      await check({ ...options, arm }, own);
    } finally {
      if (!io.json && printed !== '') io.out(`arm ${arm}\n${printed}\n`);
    }
    reports[arm] = JSON.parse(io.json ? printed : 'null');
  }
  if (io.json) io.out(`${JSON.stringify({ arms: reports }, null, 2)}\n`);
  return 0;
}
