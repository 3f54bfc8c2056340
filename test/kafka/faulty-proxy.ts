import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** Requests of Kafka's protocol by their key. */
export const apis = {
  Produce: 0,
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetFetch: 9,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  SyncGroup: 14,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
} as const;

export type Api = keyof typeof apis;
/** What does not arrive: the request at the broker, or its answer at the client. */
export type Lost = 'request' | 'answer';

/** Stands between clients and a broker, and breaks connections at a moment that a test names. */
export interface FaultyProxy {
  readonly port: number;
  /** Connections that clients opened. */
  readonly connections: number;
  /** Closes the connection of the next request of this kind, before it or behind it; resolves when it has done so. */
  cutNext(api: Api, lost: Lost): Promise<void>;
  /** How many requests of a kind went through. */
  requests(api: Api): number;
  close(): Promise<void>;
}

interface Cut {
  readonly key: number;
  readonly lost: Lost;
  readonly done: () => void;
}

/** Starts to listen; `target` is asked for the broker's port at each connection. */
export async function startFaultyProxy(target: () => number): Promise<FaultyProxy> {
  const cuts: Cut[] = [];
  const counts = new Map<number, number>();
  const open = new Set<Socket>();
  let connections = 0;

  const taken = (key: number, lost: Lost): Cut | undefined => {
    const index = cuts.findIndex((cut) => cut.key === key && cut.lost === lost);
    return index < 0 ? undefined : cuts.splice(index, 1)[0];
  };

  const server = createServer((client) => {
    connections++;
    const broker = createConnection(target(), '127.0.0.1');
    const keys = new Map<number, number>();
    const end = () => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      open.add(socket);
      socket.setNoDelay(true).on('error', end);
      socket.on('close', () => {
        open.delete(socket);
        end();
      });
    }
    eachFrame(client, (frame) => {
      const key = frame.readInt16BE(4);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      keys.set(frame.readInt32BE(8), key);
      const cut = taken(key, 'request');
      if (cut === undefined) return broker.write(frame);
      end();
      return cut.done();
    });
    eachFrame(broker, (frame) => {
      const id = frame.readInt32BE(4);
      const cut = taken(keys.get(id) ?? -1, 'answer');
      keys.delete(id);
      if (cut === undefined) return client.write(frame);
      end();
      return cut.done();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cutNext: (api, lost) => new Promise((done) => cuts.push({ key: apis[api], lost, done })),
    requests: (api) => counts.get(apis[api]) ?? 0,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Kafka's messages begin with their length, of four bytes. */
function eachFrame(socket: Socket, take: (frame: Buffer) => unknown): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = rest.byteLength === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.byteLength >= 4 && !socket.destroyed) {
      const size = rest.readInt32BE(0) + 4;
      if (rest.byteLength < size) return;
      take(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  });
}
