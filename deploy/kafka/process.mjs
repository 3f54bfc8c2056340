import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whether `pid` is a live Java process that runs the broker with these settings; a reused pid is not. */
export function isBroker(pid, settings) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  return commandLine(pid).endsWith(`kafka.Kafka ${settings}`);
}

/** Whether a process of this pid exists. */
export function isAlive(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The command line of a process, words joined by spaces; empty where there is none or it is a zombie. */
function commandLine(pid) {
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  }
  return (spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '').trim();
}

/** The broker that a folder's `broker.pid` names, if it lives: `{pid, port}`, the port being its first listener's. */
export function runningBroker(dir) {
  const settings = join(dir, 'server.properties');
  if (!existsSync(settings) || !existsSync(join(dir, 'broker.pid'))) return undefined;
  const pid = Number(readFileSync(join(dir, 'broker.pid'), 'utf8'));
  if (!isBroker(pid, settings)) return undefined;
  const port = Number(/^advertised\.listeners=[^,\n]*:(\d+)/m.exec(readFileSync(settings, 'utf8'))?.[1]);
  return { pid, port };
}
