import type { Topics } from '../topics.js';

/** A consumer group with the topics that it must have consumed. */
interface Consumer {
  readonly name: string;
  readonly inputs: readonly string[];
}

/** What flows from stage to stage: nothing of it is left when a river has ended. */
const flowing = new Set(['plans', 'drafts', 'refined', 'samples', 'corrections', 'ledger', 'shards']);

/** Whether consumers have committed all that their topics hold. */
export async function isDry(topics: Topics, consumers: readonly Consumer[]): Promise<boolean> {
  for (const { name, inputs } of consumers) {
    const committed = await topics.committed(name);
    for (const topic of inputs) {
      const { length: partitions } = await topics.offsets(topic);
      for (let partition = 0; partition < partitions; partition++) {
        const mine = committed.find((offset) => offset.topic === topic && offset.partition === partition);
        const left = await topics.read(topic, partition, mine?.offset ?? 0, { maxRecords: 1, maxBytes: 1 });
        if (left.length > 0) return false;
      }
    }
  }
  return true;
}

/** Whether the stages that ever ran have nothing left to do: a crash may leave some after the last `complete` tick. */
export async function hasEnded(topics: Topics, stages: readonly string[]): Promise<boolean> {
  const consumers = await Promise.all(
    stages.map(async (name) => {
      const consumed = (await topics.committed(name)).map(({ topic }) => topic);
      return { name, inputs: [...new Set(consumed)].filter((topic) => flowing.has(topic)) };
    }),
  );
  return isDry(topics, consumers);
}
