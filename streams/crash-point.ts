const [target, nth = '1'] = (process.env['HEADWATER_CRASH_AT'] ?? '').split('#');
let passed = 0;

/**
 * A place where the crash tests may kill this process: `HEADWATER_CRASH_AT=commit.before#3` sends SIGKILL at the third time.
 * Without that variable it does nothing.
 */
export function crashPoint(name: string): void {
  if (target !== name) return;
  passed++;
  if (passed === Number(nth)) process.kill(process.pid, 'SIGKILL');
}
