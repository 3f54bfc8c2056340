import type { AttributeDemand, Attributes, Plan } from '../../../schemas/plan.js';
import { hashFloat } from '../../kernels/random.js';
import { attributeLength, isWhole, shortened } from '../mmd/shortened.js';

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
      attributeDemand.filter((one) => one.name === name && one.demand > 1 && isWhole(one.value, attributeLength)),
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

/** Corrections have the start of names and values. */
function isOf(one: AttributeDemand, name: string, value: string): boolean {
  const same = (told: string, own: string) => told.toLowerCase() === shortened(own, attributeLength).toLowerCase();
  return same(one.name, name) && same(one.value, value);
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
