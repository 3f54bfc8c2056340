/** The mean of the values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean with twice its standard error, as a table shows it. */
export function meanText(values: readonly number[], digits = 3): string {
  const centre = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
  return `${centre.toFixed(digits)} ± ${(2 * Math.sqrt(variance / values.length)).toFixed(digits)}`;
}
