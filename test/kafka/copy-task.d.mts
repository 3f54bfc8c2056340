import type { Task } from '../../streams/topics.js';

export interface Copying {
  readonly input: string;
  readonly output: string;
  /** Of one transaction. @default 10 */
  readonly maxRecords?: number;
  readonly committed?: (partition: number, offset: number, count: number) => void;
  /** Told of a commit that ended in `task-lost`, with the offset from which it read. */
  readonly refused?: (partition: number, from: number) => void;
}

export function copyTask(task: Task, copying: Copying): Promise<void>;
