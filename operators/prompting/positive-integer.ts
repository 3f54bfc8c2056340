/** The option's value, if it is an integer of at least 1. Throws a `TypeError` that names the option otherwise. */
export function positiveInteger(option: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new TypeError(`${option}: expected an integer of at least 1, got ${value}`);
}
