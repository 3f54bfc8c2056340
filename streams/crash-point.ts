const faults = [
  ['HEADWATER_CRASH_AT', 'SIGKILL'],
  ['HEADWATER_PAUSE_AT', 'SIGSTOP'],
] as const;
const planned = faults.flatMap(([variable, signal]) => {
  const [point, nth = '1'] = (process.env[variable] ?? '').split('#');
  return point ? [{ point, signal, left: Number(nth) }] : [];
});

/**
 * A place where the crash tests may kill this process, or put it to sleep: `HEADWATER_CRASH_AT=commit.before#3` sends SIGKILL at the
 * third time, `HEADWATER_PAUSE_AT` SIGSTOP. Without these variables it does nothing.
 */
export function crashPoint(name: string): void {
  for (const fault of planned) {
    if (fault.point !== name) continue;
    fault.left--;
    if (fault.left === 0) process.kill(process.pid, fault.signal);
  }
}
