import { z } from 'zod';

import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';

/** How often a value of an attribute came, in lower case. */
export interface ValueCount {
  readonly name: string;
  readonly value: string;
  readonly count: number;
}

const slotSchema = z.tuple([z.string(), z.string(), z.int().positive()]);
type Slot = Readonly<z.infer<typeof slotSchema>>;

const keyPrefix = 'value/';
/** Values that are counted, of all names together. */
const capacity = 512;

/**
 * Counts of the values of attributes, the most frequent ones: 512 in all.
 *
 * A value that finds no room takes the place and the count of the rarest, so that none of the frequent ones is lost, and a count is at
 * most as much too high as the lowest one (Space-Saving; Metwally, Agrawal and El Abbadi 2005). Each addition changes one entry
 * of the memory for each value.
 */
export class ValueCounts {
  readonly #slots: Slot[];
  /** Slots by name and value. */
  readonly #places = new Map<string, number>();

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor(memory: ReadonlyMap<string, unknown>) {
    this.#slots = restored(memory);
    for (const [place, [name, value]] of this.#slots.entries()) this.#places.set(keyOf(name, value), place);
  }

  add(values: Readonly<Record<string, string>>): Changes {
    return Object.entries(values).map(([name, value]) => this.#addOne(name, value.toLowerCase()));
  }

  #addOne(name: string, value: string): readonly [string, Slot] {
    const known = this.#places.get(keyOf(name, value));
    const place = known ?? (this.#slots.length < capacity ? this.#slots.length : this.#rarest());
    const [heldName, heldValue, count] = this.#slots[place] ?? [name, value, 0];
    if (known === undefined) this.#places.delete(keyOf(heldName, heldValue));
    const slot: Slot = [name, value, count + 1];
    this.#slots[place] = slot;
    this.#places.set(keyOf(name, value), place);
    return [`${keyPrefix}${place}`, slot];
  }

  /** The first of them. */
  #rarest(): number {
    let rarest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [place, [, , count]] of this.#slots.entries()) {
      if (count < least) [rarest, least] = [place, count];
    }
    return rarest;
  }
}

/** Whether a key of a memory is a count's. */
export function isValueCount(key: string): boolean {
  return key.startsWith(keyPrefix);
}

/** What a memory counts, most frequent first. */
export function valueCountsIn(memory: ReadonlyMap<string, unknown>): readonly ValueCount[] {
  return restored(memory)
    .map(([name, value, count]) => ({ name, value, count }))
    .sort((a, b) => b.count - a.count);
}

function restored(memory: ReadonlyMap<string, unknown>): Slot[] {
  const slots: Slot[] = [];
  for (let place = 0; ; place += 1) {
    const value = memory.get(`${keyPrefix}${place}`);
    if (value === undefined || value === null) return slots;
    const slot = slotSchema.safeParse(value);
    if (!slot.success) {
      const what = `the memory of attributes holds ${JSON.stringify(value).slice(0, 200)} where a count belongs`;
      throw new HeadwaterError('record-invalid', what);
    }
    slots.push(slot.data);
  }
}

function keyOf(name: string, value: string): string {
  return JSON.stringify([name, value]);
}
