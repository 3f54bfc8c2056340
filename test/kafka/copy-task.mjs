const never = new AbortController().signal;

/** Copies what a task reads to the same partition of another topic, in transactions, until the task is lost. */
export async function copyTask(task, { input, output, maxRecords = 10, committed = () => {}, refused = () => {} }) {
  let next = task.committed.get(input);
  while (!task.lost.aborted) {
    const messages = await task.fetch(input, next, { maxRecords, maxBytes: 2 ** 20 }, never);
    if (messages.length === 0) continue;
    const after = messages.at(-1).offset + 1;
    const outputs = messages.map(({ key, value }) => ({ topic: output, partition: task.partition, key, value }));
    try {
      await task.commit({ outputs, offsets: new Map([[input, after]]) });
    } catch (error) {
      if (error.code !== 'task-lost') throw error;
      refused(task.partition, next);
      return;
    }
    next = after;
    committed(task.partition, after, messages.length);
  }
}
