// What group-less reading needs and kafkajs does not export: the version is pinned in package.json, and test/kafka reads through it.

declare module 'kafkajs/src/cluster/index.js' {
  interface PartitionMetadata {
    readonly partitionId: number;
    readonly leader: number;
  }

  /** The connections of one client, with what it knows of topics. */
  export default class Cluster {
    constructor(options: Readonly<Record<string, unknown>>);
    readonly targetTopics: ReadonlySet<string>;
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    isConnected(): boolean;
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    removeBroker(address: { host: string; port: number }): void;
    findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
    findBroker(options: { nodeId: number }): Promise<FetchingBroker>;
    findGroupCoordinator(options: { groupId: string }): Promise<FetchingBroker>;
  }

  export interface FetchingBroker {
    leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<void>;
    listOffsets(request: {
      readonly isolationLevel: number;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly timestamp: number }[];
      }[];
    }): Promise<{ readonly responses: readonly ListedTopic[] }>;

    fetch(request: FetchRequest): Promise<FetchResponse>;
  }

  export interface FetchRequest {
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }

  export interface FetchResponse {
    readonly responses: readonly FetchedTopic[];
  }

  export interface ListedTopic {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }

  export interface FetchedTopic {
    readonly topicName: string;
    readonly partitions: readonly FetchedPartition[];
  }

  export interface FetchedPartition {
    readonly partition: number;
    readonly lastStableOffset: string;
    readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[];
    readonly messages: readonly FetchedRecord[];
  }

  export interface FetchedRecord {
    readonly offset: string;
    readonly timestamp: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: Readonly<Record<string, Buffer | Buffer[] | undefined>>;
    readonly isControlRecord: boolean;
    readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  export function createLogger(options: { level: number; logCreator: () => () => void }): unknown;
}

declare module 'kafkajs/src/network/socketFactory.js' {
  export default function socketFactory(): unknown;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    readonly throttledUntil: number;
    scheduleCheckPendingRequests(): void;
  }
}

declare module 'kafkajs/src/protocol/requests/index.js' {
  import type { ProduceOptions } from './produce-request.js';

  /** What writes itself into a request. */
  interface Encoded {
    readonly buf: Buffer;
    readonly buffer: Buffer;
  }

  interface MadeRequest {
    readonly request: { readonly encode: () => Promise<Encoded> };
  }

  type MakeRequest = (options: ProduceOptions) => MadeRequest;

  export const requests: { readonly Produce: { protocol: (of: { readonly version: number }) => MakeRequest } };
}

declare module 'kafkajs/src/cluster/brokerPool.js' {
  export default class BrokerPool {
    withBroker(ask: (asked: unknown) => Promise<unknown>): Promise<unknown>;
  }
}
