import { z } from 'zod';

import type { Correction } from '../../../schemas/correction.js';
import type { AttributeDemand } from '../../../schemas/plan.js';
import type { SteerStep } from '../../../schemas/steps/synalign.js';
import { halfTrusted } from '../mmd/correction-details.js';
import { demandOf } from './demand-of.js';

/** What corrections said of a value of an attribute. */
export const attributePull = z.object({
  /** That of the texts, where they have one. */
  label: z.string().optional(),
  name: z.string(),
  value: z.string(),
  /** By the newest correction; of few samples, nearer to 0. */
  witness: z.number(),
  /** Those before it, of which a part is forgotten. */
  integral: z.number(),
});
export type AttributePull = Readonly<z.infer<typeof attributePull>>;

/** How the corrections before come in when a new one does, as for the witness as a whole. */
export interface Integration {
  /** Of a window, in which the witness before was the newest. */
  readonly share: number;
  /** Of what was integrated, so much is left. */
  readonly kept: number;
  /** The integral is within it, on both sides. */
  readonly limit: number;
}

/** Values that are remembered, and those that plans are told of: the ones furthest from 0, at most. */
const mostPulls = 64;
const mostValues = 16;

/** What is known of the values with a new correction: 64 at most, those that pull most. */
export function withCorrection(
  before: readonly AttributePull[],
  { attributes = [] }: Pick<Correction, 'attributes'>,
  { share, kept, limit }: Integration,
): readonly AttributePull[] {
  const pulls = new Map<string, AttributePull>();
  for (const pull of before) {
    const sum = kept * pull.integral + share * pull.witness;
    pulls.set(keyOf(pull), { ...pull, witness: 0, integral: Math.max(-limit, Math.min(limit, sum)) });
  }
  for (const { label, name, value, witness, count } of attributes) {
    const own = { ...(label === undefined ? {} : { label }), name, value };
    const { integral } = pulls.get(keyOf(own)) ?? { integral: 0 };
    pulls.set(keyOf(own), { ...own, witness: (witness * count) / (count + halfTrusted), integral });
  }
  const strongest = [...pulls.values()].sort((a, b) => Math.abs(pullOf(b)) - Math.abs(pullOf(a)));
  return strongest.slice(0, mostPulls);
}

/** How much is missing of texts with these values: of 16 at most, those furthest from a demand of 1 first. */
export function attributeDemand(pulls: readonly AttributePull[], steer: SteerStep): readonly AttributeDemand[] {
  const all = pulls.map((pull) => ({ name: pull.name, value: pull.value, demand: demandOf(pullOf(pull), steer) }));
  return all
    .filter(({ demand }) => demand !== 1)
    .sort((a, b) => Math.abs(Math.log(b.demand)) - Math.abs(Math.log(a.demand)))
    .slice(0, mostValues);
}

function pullOf({ witness, integral }: AttributePull): number {
  return witness + integral;
}

function keyOf({ label = '', name, value }: Pick<AttributePull, 'label' | 'name' | 'value'>): string {
  return `${label}\0${name}\0${value}`;
}
