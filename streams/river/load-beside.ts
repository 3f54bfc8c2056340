import type { Task } from '../topics.js';
import { withEither } from '../with-either.js';
import { type LoadKind, type LoadOptions, loadRecords } from './load-input.js';
import { loadTopic } from './load-progress.js';

/**
 * Loads an input beside a river, in one of all its workers at a time: whoever is given the one task of a group does it, and another
 * one goes on where that one ended. Resolves when the signal is aborted, and rejects when the input cannot be read.
 */
export async function loadBeside(kind: LoadKind, options: LoadOptions, signal: AbortSignal): Promise<void> {
  const { topics } = options;
  await topics.ensure([loadTopic]);
  await new Promise<void>((resolve, reject) => {
    async function load(task: Task): Promise<void> {
      const append = async (messages: Parameters<Task['append']>[0]) =>
        task.commit({ outputs: messages, offsets: new Map() });
      try {
        await withEither([signal, task.lost], (ended) => {
          return loadRecords(kind, { ...options, append, signal: ended }, true);
        });
      } catch (error) {
        if (!task.lost.aborted) throw error;
      }
    }
    let loading: Promise<void> = Promise.resolve();
    const joined = topics.join({
      group: `load.${kind}`,
      topics: [loadTopic.name],
      assigned: (task) => {
        loading = load(task);
        loading.catch(reject);
      },
      failed: reject,
    });
    joined.catch(reject);
    const leave = () => {
      joined
        .then(async (membership) => {
          await loading;
          await membership.leave();
        })
        .then(resolve, reject);
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}
