import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { ISocketFactory } from 'kafkajs';

const keepAliveMs = 60_000;

/** The connections of one client, to break off at once: kafkajs waits half a minute for answers before it ends one. */
export class Sockets {
  readonly #open = new Set<Socket>();
  #closed = false;

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.#closed) throw new Error('the client was closed');
    // kafkajs gives null for none.
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : connect({ host, port }, onConnect);
    socket.setKeepAlive(true, keepAliveMs);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  /** Calls under way fail, and no new connection is opened. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#open) socket.destroy(new Error('the client was closed'));
  }
}
