import { storedCount } from './stored-count.js';

/** The whole numbers that an operator's memory holds under keys with a prefix, by the rest of the key; as `storedCount`. */
export function storedCounts(memory: ReadonlyMap<string, unknown>, prefix: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of memory.keys()) {
    if (key.startsWith(prefix)) counts.set(key.slice(prefix.length), storedCount(memory, key, 0));
  }
  return counts;
}
