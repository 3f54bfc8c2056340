import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * A TCP port of 127.0.0.1 that was free a moment ago, below the ports that systems give to outgoing connections: there a
 * client that knocks at a broker which is down can take the broker's port, or even reach itself.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(10_240, 32_768);
    if (await isFree(port)) return port;
  }
}

/** Whether nothing listens on a TCP port of 127.0.0.1. */
export function isFree(port) {
  return new Promise((done) => {
    const server = createServer().once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

/** The wanted port, or a free one for 0 or none. Rejects where another program holds the wanted one. */
export async function port(wanted = 0) {
  if (wanted === 0) return freePort();
  if (await isFree(wanted)) return wanted;
  throw new Error(`port ${wanted} of 127.0.0.1 is taken by another program: end it or choose another port, 0 for any`);
}
