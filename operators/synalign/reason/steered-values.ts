import type { AttributeDemand, Attributes, Plan } from '../../../schemas/plan.js';
import { hashFloat } from '../../kernels/random.js';

/** Characters from which a value of a correction may be cut off. */
const cutLength = 60;

/**
 * An answer's attributes as corrections would have them: less of the values that too much is written with.
 *
 * A value with a demand d < 1 stays with a chance of d. Else another value of its name takes its place that too little is written with, drawn by demand
 * less 1; where there is none, the attribute is left out, unless it is the last. Depends on the plan and the answer alone.
 */
export function steeredValues(
  values: Attributes['values'],
  { attributeDemand = [], randomSeed }: Pick<Plan, 'attributeDemand' | 'randomSeed'>,
): Pick<Attributes, 'values' | 'replaced'> {
  const kept = new Map(Object.entries(values));
  const replaced = new Map<string, string>();
  for (const [name, value] of Object.entries(values)) {
    const demand = attributeDemand.find((one) => isOf(one, name, value))?.demand ?? 1;
    if (hashFloat(randomSeed, 'keeps attribute', name) < demand) continue;
    const other = drawn(
      attributeDemand.filter((one) => one.name === name && one.demand > 1 && isWhole(one)),
      {
        at: hashFloat(randomSeed, 'draws attribute', name),
      },
    );
    if (other === undefined && kept.size === 1) continue;
    replaced.set(name, value);
    if (other === undefined) kept.delete(name);
    else kept.set(name, other);
  }
  if (replaced.size === 0) return { values };
  return { values: Object.fromEntries(kept), replaced: Object.fromEntries(replaced) };
}

function isOf(one: AttributeDemand, name: string, value: string): boolean {
  if (one.name !== name.slice(0, cutLength)) return false;
  const [told, own] = [one.value.toLowerCase(), value.toLowerCase()];
  return isWhole(one) ? told === own : own.startsWith(told);
}

function isWhole({ value }: AttributeDemand): boolean {
  return value.length < cutLength;
}

/** One of them, by what its demand is above 1, at a place in [0, 1). */
function drawn(wanted: readonly AttributeDemand[], { at }: { readonly at: number }): string | undefined {
  let left = at * wanted.reduce((sum, { demand }) => sum + demand - 1, 0);
  for (const { value, demand } of wanted) {
    left -= demand - 1;
    if (left < 0) return value;
  }
  return wanted.at(-1)?.value;
}
