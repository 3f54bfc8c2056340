// Ends a broker when the process that started it is gone: that process holds the other end of this one's standard input.
import { isBroker } from './process.mjs';

const [, , pid, settings] = process.argv;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.stdin.resume();
process.stdin.on('close', () => {
  if (isBroker(Number(pid), settings)) process.kill(Number(pid), 'SIGKILL');
  process.exit();
});
