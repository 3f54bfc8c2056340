import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { onTestFinished } from 'vitest';

/** A new folder that is gone after the test. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-shards-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A file system of its own in memory, with these mount options, such as `size=1m` or `ro`. */
export function mounted(options: string): string {
  const dir = folder();
  try {
    asRoot('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', dir);
  } catch (cause) {
    const how = 'run the tests as root, with passwordless sudo, or in a container with --cap-add SYS_ADMIN';
    throw new Error(`this test needs a small tmpfs to fill, and mount was refused: ${how}`, { cause });
  }
  onTestFinished(() => asRoot('umount', dir));
  return dir;
}

/** Looks again every two milliseconds until it is so: without a pause it would take a core from what it waits for. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(2);
}

function asRoot(...command: readonly string[]): void {
  const [program = '', ...rest] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command];
  execFileSync(program, rest, { stdio: 'pipe' });
}
