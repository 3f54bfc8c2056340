import type { LlamaModel } from 'node-llama-cpp';

import type { Runtime } from './binding.js';

/** Matrix kernels take rows in groups of this many where a format of weights has a kernel for groups. */
const group = 4;

/**
 * How many rows a batch needs for each row to get the same sums in any company. Measured on x86-64: Q4_1 and Q8_0 treat
 * every row alike; a file with Q4_K, Q5_0 and Q6_K does not: four rows have one kernel, what is left over another.
 */
export function rowsOf({ binding }: Runtime, model: LlamaModel, gpu: boolean): number {
  if (gpu) return 1;
  const { Q4_1, Q8_0 } = binding.GgmlType;
  const alike = new Set([Q4_1, Q8_0]);
  const matrices = (model.fileInfo.tensorInfo ?? []).filter(({ dimensions }) => dimensions.length > 1);
  const safe = process.arch === 'x64' && matrices.length > 0 && matrices.every(({ ggmlType }) => alike.has(ggmlType));
  return safe ? 1 : group;
}
