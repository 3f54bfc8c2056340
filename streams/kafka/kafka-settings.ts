/** Where a Kafka cluster is, who we are there, and how we write. Secrets are in here: never log it. */
export interface KafkaSettings {
  /** `host:port` of some brokers; they name the others. */
  readonly brokers: readonly string[];
  /** Stands before every topic, group and transactional id, with a dot: one pipeline, one prefix. */
  readonly prefix: string;
  /** Names this process to the brokers, in their logs and quotas. */
  readonly clientId: string;
  /** Undefined: no TLS. */
  readonly tls?: KafkaTls;
  /** Undefined: no authentication. */
  readonly credentials?: KafkaCredentials;
  /** How long a worker may be silent before its partitions go to others. @default 10000 */
  readonly sessionTimeoutMs?: number;
  /** Copies of each partition of topics that we create; -1 takes the broker's default. @default -1 */
  readonly replicas?: number;
  /** Of what we write. @default none */
  readonly compression?: 'none' | 'gzip';
  /** See `TopicsLimits`. @default 25 */
  readonly commitEveryMs?: number;
  /** @default 1000 */
  readonly commitRecords?: number;
}

/** PEM texts. An empty object trusts what the system trusts. */
export interface KafkaTls {
  /** Certificates of the authorities to trust in place of the system's. */
  readonly ca?: string;
  /** The client's certificate and key, where the brokers ask for one. */
  readonly cert?: string;
  readonly key?: string;
}

export type KafkaCredentials =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  /** `token` is asked for anew before the old one ends. */
  | { readonly mechanism: 'oauthbearer'; readonly token: () => Promise<string> };
