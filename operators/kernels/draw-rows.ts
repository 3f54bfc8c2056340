import type { Random } from './random.js';

/** The rows 0 to `size - 1`. */
export function allRows(size: number): Uint32Array {
  return Uint32Array.from({ length: size }, (_, row) => row);
}

/** Puts `count` rows, drawn without replacement, in front: the start of a Fisher-Yates shuffle, which may go on from any order. */
export function drawToFront(rows: Uint32Array, count: number, random: Random): Uint32Array {
  for (let i = 0; i < count; i++) {
    const other = i + random.below(rows.length - i);
    const drawn = rows[other] ?? 0;
    rows[other] = rows[i] ?? 0;
    rows[i] = drawn;
  }
  return rows.subarray(0, count);
}
