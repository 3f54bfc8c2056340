import { expect, test } from 'vitest';

import { RecordReader } from '../../../cli/files/records.js';
import type { Table } from '../../../streams/inputs/table.js';

async function vectorsOf(rows: readonly object[]) {
  const table: Table = {
    name: 'v.jsonl',
    isPlainText: false,
    columns: [{ name: 'v', holds: 'vector' }],
    rows: async function* () {
      for (const [i, value] of rows.entries()) yield { file: 'v.jsonl', entry: { kind: 'value', line: i + 1, value } };
    },
  };
  const reader = new RecordReader(table, { fields: [], vectors: 'v', found: false });
  const vectors: Float32Array[] = [];
  for await (const { vector } of reader.records()) if (vector !== null) vectors.push(vector);
  return { vectors, reader };
}

test('vectors have unit norm, whatever their scale', async () => {
  const scales = [1, 1e-3, 1e-300, 5e-324, 1e150, 1e300];
  const { vectors, reader } = await vectorsOf([{ v: [0.6, 0.8] }, ...scales.map((scale) => ({ v: [scale, scale] }))]);
  expect(vectors[0]).toEqual(Float32Array.of(0.6, 0.8));
  for (const vector of vectors.slice(1)) expect(vector).toEqual(new Float32Array(2).fill(Math.SQRT1_2));
  expect(vectors).toHaveLength(scales.length + 1);
  expect(reader.normalised).toBe(scales.length);
});

test('a vector of zeros has no direction, and is skipped', async () => {
  const { vectors, reader } = await vectorsOf([{ v: [0, 0] }, { v: [0, 2] }]);
  expect(vectors).toEqual([Float32Array.of(0, 1)]);
  expect(reader.skips.summary.reasons).toEqual({ 'vector-zero': 1 });
});
