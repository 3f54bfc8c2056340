import { z } from 'zod';

import { call } from '../../../schemas/call.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { recordId } from '../../../schemas/ids.js';
import type { LedgerEntry } from '../../../schemas/ledger-entry.js';
import type { Plan } from '../../../schemas/plan.js';
import type { Changes } from '../../flow/outcome.js';
import { storedCount } from '../../flow/stored-count.js';
import { ValueCounts } from './value-counts.js';

export interface AttributeStoreOptions {
  /** What the memory held at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Plans that one answer serves. */
  readonly uses: number;
  /** Regions whose answers are kept; the one used longest ago goes. @default 512 */
  readonly regions?: number;
  /**
   * Plans outstanding at once: plan n goes by the endings of those below n + 1 - window, which are known whenever it comes.
   * @default endings do not count
   */
  readonly window?: number | undefined;
}

const foundSchema = z.object({
  id: z.string(),
  values: z.record(z.string(), z.string()),
  /** The plan whose call found them. */
  askedFor: z.string(),
  /** The call, as those have it whom it cost nothing. */
  call,
});

const useSchema = z.object({
  /** The number of the plan that it was first asked for, which tells it from other answers of its region. */
  since: z.int(),
  /** Plans that were given to it. */
  used: z.int(),
  /** Of them, those that have ended, and those that ended as a sample. */
  ended: z.int(),
  accepted: z.int(),
  /** The number of the last of them. */
  last: z.int(),
});

const totalsSchema = z.object({ begun: z.int(), ended: z.int(), accepted: z.int() });
const useOfSchema = z.tuple([z.string(), z.int()]);

/** Attributes as an answer gave them. */
export type Found = Readonly<z.infer<typeof foundSchema>>;
type Use = Readonly<z.infer<typeof useSchema>>;
export type AttributeTotals = Readonly<z.infer<typeof totalsSchema>>;

/** One answer for a region, to be had or there already, and the plans that share it. */
export interface Sheet {
  readonly region: string;
  readonly since: number;
  /** Undefined while no answer was read. */
  found: Found | undefined;
}

/** What a plan will be written from. */
export interface Written {
  readonly found: Found;
  /** Whether the plan is the one that they were found for. */
  readonly asked: boolean;
  /** Those of the answer that the plan has, or others in their place. */
  readonly values: Found['values'];
}

const storeKeys = {
  use: 'use/',
  found: 'found/',
  of: 'of/',
  ended: 'ended/',
  totals: 'totals',
  applied: 'applied',
};

/** An answer is poor where its yield is surely less than this share of the others', by so many endings of each. */
const poor = { share: 0.5, least: 5, leastOthers: 20, deviations: 1.96 };

/**
 * Which plans share which answer of a model about their examples, by region, and what became of them.
 *
 * A plan belongs to the answer of its region while that has uses left, and its yield is not far below the others'. All of it is a
 * function of the plans in their order and of their endings: `begin` is called in that order, and answers may come in any. What is to
 * be remembered is given as changes in two parts, with a plan's beginning and with its end, to be committed with its end, in order.
 * Keeps `regions` answers, a few numbers for each plan that is out, and the counts of 512 values.
 */
export class AttributeStore {
  readonly #uses: number;
  readonly #regions: number;
  readonly #window: number | undefined;
  /** By region, the one used longest ago first. */
  readonly #sheets = new Map<string, { readonly sheet: Sheet; use: Use }>();
  /** By ordinal, the answer that a plan was written from: until its ending counts. */
  readonly #of = new Map<number, z.infer<typeof useOfSchema>>();
  /** By ordinal, whether a plan was accepted: until it counts. */
  readonly #ended = new Map<number, boolean>();
  /** All endings below count. */
  #applied: number;
  #totals: AttributeTotals;
  readonly #values: ValueCounts;

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor({ memory, uses, regions = 512, window }: AttributeStoreOptions) {
    this.#uses = uses;
    this.#regions = regions;
    this.#window = window;
    this.#applied = storedCount(memory, storeKeys.applied, 0);
    this.#totals = attributeTotalsIn(memory);
    this.#values = new ValueCounts(memory);
    this.#restore(memory);
  }

  /** Whether the endings that a plan goes by have come; `open` is the first plan that has begun and not ended here. */
  ready({ ordinal }: Plan, open: Plan | undefined): boolean {
    if (open !== undefined && open.ordinal < this.#endingsFor(ordinal)) return false;
    for (let needed = this.#applied; needed < this.#endingsFor(ordinal); needed += 1) {
      if (!this.#ended.has(needed)) return false;
    }
    return true;
  }

  /** A plan of the lane has ended; what has counted, or never will, changes nothing. */
  end({ ordinal, outcome }: LedgerEntry): Changes {
    if (this.#window === undefined || ordinal < this.#applied || this.#ended.has(ordinal)) return [];
    const accepted = outcome === 'accepted';
    this.#ended.set(ordinal, accepted);
    return [[`${storeKeys.ended}${ordinal}`, accepted]];
  }

  /** The answer that a plan belongs to. */
  begin(plan: Plan): { readonly sheet: Sheet; readonly changes: Changes } {
    const changes = [...this.#countEndings(plan.ordinal)];
    const begun = this.#totals.begun + 1;
    this.#totals = { ...this.#totals, begun };
    const region = regionOf(plan);
    const known = this.#sheets.get(region);
    const isKept = known !== undefined && known.use.used < this.#uses && !this.#isPoor(known.use);
    const sheet: Sheet = isKept ? known.sheet : { region, since: begun, found: undefined };
    const before: Use = isKept ? known.use : { since: begun, used: 0, ended: 0, accepted: 0, last: begun };
    const use = { ...before, used: before.used + 1, last: begun };
    this.#sheets.delete(region);
    this.#sheets.set(region, { sheet, use });
    if (known !== undefined && !isKept) changes.push([`${storeKeys.found}${region}`, null]);
    changes.push([`${storeKeys.use}${region}`, use], [storeKeys.totals, this.#totals], ...this.#evicted());
    return { sheet, changes };
  }

  /** A plan has its attributes. In the order of `begin`. */
  written(plan: Plan, sheet: Sheet, { found, asked, values }: Written): Changes {
    const changes: (readonly [string, unknown])[] = asked ? [[`${storeKeys.found}${sheet.region}`, found]] : [];
    if (this.#window !== undefined && plan.ordinal >= this.#applied) {
      const of: z.infer<typeof useOfSchema> = [sheet.region, sheet.since];
      this.#of.set(plan.ordinal, of);
      changes.push([`${storeKeys.of}${plan.ordinal}`, of]);
    }
    return [...changes, ...this.#values.add(values)];
  }

  /** One past the last ordinal whose ending a plan goes by. */
  #endingsFor(ordinal: number): number {
    return this.#window === undefined ? 0 : ordinal + 1 - this.#window;
  }

  #countEndings(ordinal: number): Changes {
    const changes: (readonly [string, unknown])[] = [];
    const end = this.#endingsFor(ordinal);
    if (end <= this.#applied) return changes;
    for (; this.#applied < end; this.#applied += 1) changes.push(...this.#countEnding(this.#applied));
    return [...changes, [storeKeys.applied, this.#applied]];
  }

  #countEnding(ordinal: number): Changes {
    const accepted = this.#ended.get(ordinal) ? 1 : 0;
    const of = this.#of.get(ordinal);
    this.#ended.delete(ordinal);
    this.#of.delete(ordinal);
    const gone: Changes = [[`${storeKeys.ended}${ordinal}`, null]];
    if (of === undefined) return gone;
    const [region, since] = of;
    this.#totals = {
      ...this.#totals,
      ended: this.#totals.ended + 1,
      accepted: this.#totals.accepted + accepted,
    };
    const forgotten: Changes = [...gone, [`${storeKeys.of}${ordinal}`, null]];
    const held = this.#sheets.get(region);
    if (held?.use.since !== since) return forgotten;
    held.use = { ...held.use, ended: held.use.ended + 1, accepted: held.use.accepted + accepted };
    return [...forgotten, [`${storeKeys.use}${region}`, held.use]];
  }

  /** Whether the upper end of its yield's Wilson interval is below the share of the others' yield. */
  #isPoor({ ended, accepted }: Use): boolean {
    const others = { ended: this.#totals.ended - ended, accepted: this.#totals.accepted - accepted };
    if (ended < poor.least || others.ended < poor.leastOthers) return false;
    return wilsonUpper(accepted, ended, poor.deviations) < (poor.share * others.accepted) / others.ended;
  }

  #evicted(): Changes {
    const [oldest] = this.#sheets.keys();
    if (this.#sheets.size <= this.#regions || oldest === undefined) return [];
    this.#sheets.delete(oldest);
    return [
      [`${storeKeys.use}${oldest}`, null],
      [`${storeKeys.found}${oldest}`, null],
    ];
  }

  #restore(memory: ReadonlyMap<string, unknown>): void {
    const uses: { readonly region: string; readonly use: Use }[] = [];
    for (const key of memory.keys()) {
      if (key.startsWith(storeKeys.use)) {
        const use = read(useSchema, memory, key);
        if (use !== undefined) uses.push({ region: key.slice(storeKeys.use.length), use });
      } else if (key.startsWith(storeKeys.of)) {
        const of = read(useOfSchema, memory, key);
        if (of !== undefined) this.#of.set(Number(key.slice(storeKeys.of.length)), of);
      } else if (key.startsWith(storeKeys.ended)) {
        const accepted = read(z.boolean(), memory, key);
        if (accepted !== undefined) this.#ended.set(Number(key.slice(storeKeys.ended.length)), accepted);
      }
    }
    for (const { region, use } of uses.sort((a, b) => a.use.last - b.use.last)) {
      const found = read(foundSchema, memory, `${storeKeys.found}${region}`);
      this.#sheets.set(region, { sheet: { region, since: use.since, found }, use });
    }
  }
}

/** Whether a key of a store's memory tells of a region whose answer is kept. */
export function isUse(key: string): boolean {
  return key.startsWith(storeKeys.use);
}

/** What the plans of a store have come to; throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
export function attributeTotalsIn(memory: ReadonlyMap<string, unknown>): AttributeTotals {
  return read(totalsSchema, memory, storeKeys.totals) ?? { begun: 0, ended: 0, accepted: 0 };
}

/** Plans of one region and label share answers; without a region, those that show the same examples. */
function regionOf({ region, label = '', examples }: Plan): string {
  const shown = region === undefined ? examples.map(({ id }) => id) : [region.exemplar];
  return recordId('region', label, ...shown);
}

/** The upper end of Wilson's interval for a share of `successes` in `count` trials. */
function wilsonUpper(successes: number, count: number, deviations: number): number {
  const share = successes / count;
  const z2 = deviations ** 2;
  const spread = deviations * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count ** 2));
  return (share + z2 / (2 * count) + spread) / (1 + z2 / count);
}

function read<Type>(type: z.ZodType<Type>, memory: ReadonlyMap<string, unknown>, key: string): Type | undefined {
  const value = memory.get(key);
  if (value === undefined || value === null) return undefined;
  const result = type.safeParse(value);
  if (result.success) return result.data;
  const what = `the memory of attributes holds ${JSON.stringify(value).slice(0, 200)} under '${key}'`;
  throw new HeadwaterError('record-invalid', what);
}
