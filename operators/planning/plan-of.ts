import { type Domain, type DomainLabel, fixedShares } from '../../schemas/domain.js';
import { recordId } from '../../schemas/ids.js';
import type { Example, Plan } from '../../schemas/plan.js';
import { radicalInverse } from '../kernels/radical-inverse.js';
import { hashFloat, hashUint32 } from '../kernels/random.js';

export interface PlanOfOptions {
  readonly domain: Domain;
  readonly lane: number;
  /** Seeds that a plan shows. */
  readonly examples: number;
  /** All randomness. */
  readonly seed: number;
  /** Whether attributes will stand in place of the examples: then seeds come along that show the format. @default false */
  readonly reasons?: boolean;
}

/** What was drawn for a plan from what other plans have left; all else follows from its ordinal. */
export interface Drawn
  extends Pick<Plan, 'persona' | 'document' | 'given' | 'group' | 'label' | 'region' | 'reals' | 'attributeDemand'> {
  /** @default a group of the seeds */
  readonly examples?: readonly Example[];
  /** Values that go before drawn ones. */
  readonly vary?: Plan['vary'];
  /** The ordinal by which examples and varied values are drawn: of a group, its first. @default the plan's own */
  readonly by?: number;
}

/** The plan of an ordinal: a pure function, so that a restart or another worker plans the same. */
export function planOf(
  options: PlanOfOptions,
  seeds: readonly Example[],
  ordinal: number,
  plannedAt: number,
  drawn: Drawn = {},
): Plan {
  const { domain, lane, seed } = options;
  const { by = ordinal, vary, examples = examplesOf(options, seeds, by), attributeDemand, ...rest } = drawn;
  const reasons = options.reasons === true;
  const label = rest.label ?? (domain.label && drawLabel(domain.label, stratified(seed, lane, ordinal)));
  const causes = [label, rest.persona, rest.document?.id, rest.given?.id].map((cause) => cause ?? '');
  return {
    kind: 'plan',
    id: recordId('plan', seed, lane, ordinal, ...causes, ...examples.map(({ id }) => id)),
    lane,
    ordinal,
    method: rest.region === undefined ? 'bare' : 'synalign',
    ...rest,
    ...(label === undefined ? {} : { label }),
    vary: { ...drawnVary(options, by), ...vary },
    examples: [...examples],
    ...(reasons ? { formats: [...examplesOf(options, seeds, by)] } : {}),
    ...(reasons && attributeDemand !== undefined ? { attributeDemand } : {}),
    seedCount: seeds.length,
    randomSeed: hashUint32(seed, 'sampling', lane, ordinal),
    plannedAt,
  };
}

function drawnVary({ domain, lane, seed }: PlanOfOptions, ordinal: number): Plan['vary'] {
  const draw = (name: string) => hashFloat(seed, 'plan', lane, ordinal, name);
  return Object.fromEntries(
    Object.entries(domain.vary).map(([name, values]) => [name, values[Math.floor(draw(name) * values.length)] ?? '']),
  );
}

/** Seeds are shown in fixed groups, so that few prompt prefixes exist and each is evaluated once. */
function examplesOf(
  { examples, lane, seed }: PlanOfOptions,
  seeds: readonly Example[],
  ordinal: number,
): readonly Example[] {
  const groups = Math.max(1, Math.ceil(seeds.length / examples));
  const group = Math.floor(hashFloat(seed, 'examples', lane, ordinal) * groups);
  // The last group is filled up from the one before it.
  const start = Math.max(0, Math.min(group * examples, seeds.length - examples));
  return seeds.slice(start, start + examples);
}

/** A low-discrepancy sequence: after any number of plans, labels stand in their shares to within one or two. */
function stratified(seed: number, lane: number, ordinal: number): number {
  return (radicalInverse(ordinal) + hashFloat(seed, 'label', lane)) % 1;
}

function drawLabel(label: DomainLabel, at: number): string {
  const { values } = label;
  const weights = fixedShares(label);
  let left = at * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return values[index === -1 ? values.length - 1 : index] ?? '';
}
