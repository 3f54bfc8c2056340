import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kafka, logLevel, type Producer } from 'kafkajs';

import { openKafka } from '../../streams/kafka/open-kafka.js';
import type { Topics } from '../../streams/topics.js';
import { Worker } from './crew.js';
import type { Job } from './job.js';

export interface SiteOptions {
  /** Where the broker's data go. */
  readonly dir: string;
  /** Of the topic of one partition; that of four holds twice as many. */
  readonly records: number;
  /** That count, after one that warms up. */
  readonly rounds: number;
  readonly credit: number;
  /** For node, of the workers. */
  readonly flags: readonly string[];
}

/** A broker of our own, its topics, and the workers of the measurement under way. */
export class Site {
  readonly #workers = new Set<Worker>();

  private constructor(
    readonly options: SiteOptions,
    readonly topics: Topics,
    readonly client: Kafka,
    readonly producer: Producer,
    private readonly broker: { readonly dir: string; readonly port: number; kill(signal: 'SIGKILL'): Promise<void> },
  ) {}

  static async open(options: SiteOptions): Promise<Site> {
    const dir = await mkdtemp(join(options.dir, 'headwater-bench-'));
    const path = pathToFileURL('deploy/kafka/broker.mjs').href;
    const { start }: typeof import('../../deploy/kafka/broker.mjs') = await import(path);
    const broker = await start({ dir, properties: { 'log.cleaner.backoff.ms': 500 } }).catch(async (error: unknown) => {
      await rm(dir, { recursive: true, force: true });
      throw error;
    });
    const settings = { brokers: [`127.0.0.1:${broker.port}`], clientId: 'bench' };
    const client = new Kafka({ ...settings, logLevel: logLevel.NOTHING });
    const producer = client.producer({ maxInFlightRequests: 1 });
    const topics = await openKafka({ ...settings, prefix: 'bench' });
    await producer.connect();
    await topics.ensure([
      { name: 'from', partitions: 1, cleanup: 'delete' },
      { name: 'four', partitions: 4, cleanup: 'delete' },
      { name: 'documents', partitions: 4, cleanup: 'delete' },
      { name: 'copies', partitions: 4, cleanup: 'delete' },
      { name: 'empty', partitions: 1, cleanup: 'delete' },
    ]);
    return new Site(options, topics, client, producer, broker);
  }

  async worker(flags = this.options.flags): Promise<Worker> {
    const worker = await Worker.start([`127.0.0.1:${this.broker.port}`], flags);
    this.#workers.add(worker);
    return worker;
  }

  job(rival: Job['rival'], group: string, topic: string, partitions: number): Job {
    return { rival, group, topic, partitions, credit: this.options.credit, batch: 1000 };
  }

  /** Where the broker keeps a partition. */
  folderOf(topic: string, partition: number): string {
    return join(this.broker.dir, 'data', `bench.${topic}-${partition}`);
  }

  async endWorkers(): Promise<void> {
    const workers = [...this.#workers];
    this.#workers.clear();
    await Promise.all(workers.map((worker) => worker.end()));
  }

  async close(): Promise<void> {
    await this.endWorkers();
    await this.topics.close();
    await this.producer.disconnect();
    await this.broker.kill('SIGKILL');
    await rm(this.broker.dir, { recursive: true, force: true });
  }
}
