/** Who copies: our stage; plain kafkajs transactions; the same with our codec, which plain kafkajs does not need. */
export type Rival = 'stage' | 'plain' | 'plain with codec';

/** What a worker process is asked to copy; its answers are `Report`s. */
export interface Job {
  readonly rival: Rival;
  /** Group, stage and transactional ids: another one begins at the start. */
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  /** Of the stage, by partition. */
  readonly credit: number;
  /** About how many records go into a transaction of a rival; for a stage, credit and limits say so. */
  readonly batch: number;
  /** Copies nothing: what credit lets in stays inside the operator. */
  readonly stalled?: boolean;
}

export type Order =
  | { readonly type: 'join'; readonly job: Job }
  /** Partitions are read from now on, and what it costs is counted. */
  | { readonly type: 'go' }
  | { readonly type: 'stop' }
  /** Collects garbage and tells what is held. */
  | { readonly type: 'weigh' }
  /** Restores the memory of a stage of this name. */
  | { readonly type: 'restore'; readonly stage: string };

export type Report =
  | { readonly type: 'holds'; readonly partitions: number }
  | { readonly type: 'copied'; readonly records: number }
  | { readonly type: 'copy'; readonly copy: Copy }
  | { readonly type: 'weight'; readonly mebibytes: number; readonly inFlight: number }
  | { readonly type: 'restored'; readonly milliseconds: number };

/** What one worker copied. */
export interface Copy {
  readonly records: number;
  /** Milliseconds since 1970, of the order to go and of the end of the last commit. */
  readonly from: number;
  readonly to: number;
  /** User and system time of the process, all threads, between these. */
  readonly cpuMs: number;
  readonly transactions: number;
  /** From the end of a record's fetch to the end of its commit, 95 % of records. */
  readonly recordLatencyMs: number;
  /** From its first request to the end of its commit, 95 % of transactions. */
  readonly transactionMs: number;
  /** Resident memory, four times a second. */
  readonly memoryMiB: readonly number[];
}
