import type { GroupOptions, StoredMessage, Task, Topics, Transaction } from '../../streams/topics.js';
import { type Meter, now } from './meter.js';

/** Topics whose tasks wait for the order to go, and whose fetches and commits a meter sees. */
export function meteredTopics(topics: Topics, meter: Meter): Topics {
  return {
    kind: topics.kind,
    get limits() {
      return topics.limits;
    },
    ensure: (specs) => topics.ensure(specs),
    list: () => topics.list(),
    offsets: (topic) => topics.offsets(topic),
    read: (topic, partition, from, bounds) => topics.read(topic, partition, from, bounds),
    append: (messages) => topics.append(messages),
    appendAfter: (lock, decide) => topics.appendAfter(lock, decide),
    committed: (group) => topics.committed(group),
    join: (options: GroupOptions) =>
      topics.join({ ...options, assigned: (task) => options.assigned(new MeteredTask(task, meter)) }),
    close: () => topics.close(),
  };
}

class MeteredTask implements Task {
  /** What was fetched and is not committed, in order. */
  readonly #fetched: { readonly at: number; readonly offsets: readonly number[] }[] = [];

  constructor(
    private readonly task: Task,
    private readonly meter: Meter,
  ) {}

  get partition() {
    return this.task.partition;
  }

  get committed() {
    return this.task.committed;
  }

  get lost() {
    return this.task.lost;
  }

  async fetch(...args: Parameters<Task['fetch']>): Promise<readonly StoredMessage[]> {
    await this.meter.started;
    const messages = await this.task.fetch(...args);
    this.#fetched.push({ at: now(), offsets: messages.map(({ offset }) => offset) });
    return messages;
  }

  append(...args: Parameters<Task['append']>) {
    return this.task.append(...args);
  }

  async commit(transaction: Transaction): Promise<void> {
    const began = now();
    await this.task.commit(transaction);
    this.meter.committed(began, this.#below(Math.max(...transaction.offsets.values())));
  }

  /** Takes out what lies below an offset. */
  #below(end: number): readonly { readonly at: number; readonly records: number }[] {
    const taken: { at: number; records: number }[] = [];
    for (const { at, offsets } of this.#fetched.splice(0)) {
      const records = offsets.filter((offset) => offset < end).length;
      if (records > 0) taken.push({ at, records });
      if (records < offsets.length) this.#fetched.push({ at, offsets: offsets.slice(records) });
    }
    return taken;
  }
}
