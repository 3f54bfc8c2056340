import type { Topics } from './topics.js';

/** Of a message beside its value: key, headers and frame. */
const framingBytes = 2048;

/** Bytes that the value of a message may have. */
export function valueLimit({ limits }: Pick<Topics, 'limits'>): number {
  return limits.maxMessageBytes - framingBytes;
}
