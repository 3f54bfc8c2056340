import type { z } from 'zod';

import type { Changes } from '../flow/outcome.js';

export interface ItemPoolOptions<Item> {
  /** Of the keys in the memory: `NAME/PLACE` holds an item, `NAME-used/PLACE` the round of its last use, `NAME-pool` the rest. */
  readonly name: string;
  readonly type: z.ZodType<Item>;
  /** What the memory held at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** `files`: nothing is drawn before all have come (`loaded`), or the pool is full; `topic`: as soon as there is one. */
  readonly feed: 'files' | 'topic';
  /** Items held. */
  readonly capacity: number;
  /** Characters (UTF-16 units) held; one item may be longer. */
  readonly characters: number;
  readonly charactersOf: (item: Item) => number;
  /** What decides the order of a round: the lowest key first, then the oldest item. */
  readonly keyOf: (item: Item, round: number, place: number) => number;
}

/** An item by its number among all that ever came. */
interface Held<Item> {
  readonly place: number;
  readonly item: Item;
  readonly characters: number;
  /** That of its last use; -1: none. */
  used: number;
}

interface Stored {
  readonly added: number;
  readonly round: number;
  readonly isOpen: boolean;
}

/**
 * Items that are drawn one by one without replacement, round after round: each once in a round.
 *
 * A round's order depends on the items and the round alone. What comes during a round is drawn in it. Where more come than are held,
 * the oldest that this round has used goes, or the oldest. A draw and an addition take time with the logarithm of
 * what is held (and a move of its places in one array); the first draw of a round sorts.
 */
export class ItemPool<Item> {
  /** In the order of addition. */
  readonly #held = new Map<number, Held<Item>>();
  // A live iterator: from the front of a map, each search would step over all that were removed there.
  readonly #oldestFirst = this.#held.keys();
  /** Of this round, the next one last. */
  #left: { readonly key: number; readonly place: number }[] = [];
  /** Places that this round has used, ascending. */
  #used: number[] = [];
  #characters = 0;
  #added = 0;
  #round = 0;
  #isOpen: boolean;

  constructor(private readonly options: ItemPoolOptions<Item>) {
    const { name, type, memory, feed } = options;
    const stored = memory.get(`${name}-pool`) as Stored | undefined;
    this.#added = stored?.added ?? 0;
    this.#round = stored?.round ?? 0;
    this.#isOpen = stored?.isOpen ?? feed === 'topic';
    const places = [...memory.keys()].flatMap((key) => (key.startsWith(`${name}/`) ? [placeIn(key)] : []));
    for (const place of places.sort((a, b) => a - b)) {
      const item = type.parse(memory.get(`${name}/${place}`));
      const used = memory.get(`${name}-used/${place}`);
      this.#hold({ place, item, characters: options.charactersOf(item), used: typeof used === 'number' ? used : -1 });
    }
    this.#sort();
  }

  get size(): number {
    return this.#held.size;
  }

  /** Whether an item can be drawn; without `mayRepeat`, one that this round has not used. */
  ready(mayRepeat: boolean): boolean {
    return this.#isOpen && (this.#left.length > 0 || (mayRepeat && this.#held.size > 0));
  }

  add(item: Item): Changes {
    const { name, capacity, characters, charactersOf, keyOf } = this.options;
    const place = this.#added++;
    this.#hold({ place, item, characters: charactersOf(item), used: -1 });
    insert(this.#left, { key: keyOf(item, this.#round, place), place }, isLater);
    const changes: (readonly [string, unknown])[] = [[`${name}/${place}`, item]];
    while (this.#held.size > capacity || (this.#characters > characters && this.#held.size > 1)) {
      changes.push(...this.#evict());
      this.#isOpen = true;
    }
    if (this.#held.size === capacity) this.#isOpen = true;
    return [...changes, this.#stored()];
  }

  /** No more are to come for now. */
  loaded(): Changes {
    this.#isOpen = true;
    return [this.#stored()];
  }

  /** The next item. Throws `TypeError` where there is none. */
  draw(): { readonly item: Item; readonly changes: Changes } {
    if (this.#left.length === 0) {
      this.#round++;
      this.#used = [];
      this.#sort();
    }
    const next = this.#left.pop();
    const held = next && this.#held.get(next.place);
    if (held === undefined) throw new TypeError(`${this.options.name}: nothing can be drawn from an empty pool`);
    held.used = this.#round;
    insert(this.#used, held.place, (a, b) => a < b);
    const { name } = this.options;
    return { item: held.item, changes: [[`${name}-used/${held.place}`, this.#round], this.#stored()] };
  }

  #hold(held: Held<Item>): void {
    this.#held.set(held.place, held);
    this.#characters += held.characters;
  }

  /** What is left of the round, from what is held. */
  #sort(): void {
    const { keyOf } = this.options;
    const all = [...this.#held.values()];
    this.#used = all.flatMap(({ place, used }) => (used === this.#round ? [place] : []));
    this.#left = all
      .filter(({ used }) => used !== this.#round)
      .map(({ place, item }) => ({ key: keyOf(item, this.#round, place), place }))
      .sort((a, b) => b.key - a.key || b.place - a.place);
  }

  #evict(): Changes {
    const { name, keyOf } = this.options;
    const usedFirst = this.#used.shift();
    const place = usedFirst ?? this.#oldestFirst.next().value ?? 0;
    const held = this.#held.get(place);
    this.#held.delete(place);
    this.#characters -= held?.characters ?? 0;
    if (held !== undefined && usedFirst === undefined) {
      const key = keyOf(held.item, this.#round, place);
      this.#left.splice(placeFor(this.#left, { key, place }, isLater), 1);
    }
    return [
      [`${name}/${place}`, null],
      [`${name}-used/${place}`, null],
    ];
  }

  #stored(): readonly [string, Stored] {
    return [`${this.options.name}-pool`, { added: this.#added, round: this.#round, isOpen: this.#isOpen }];
  }
}

function placeIn(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

type Keyed = { readonly key: number; readonly place: number };

function isLater(a: Keyed, b: Keyed): boolean {
  return a.key > b.key || (a.key === b.key && a.place > b.place);
}

function insert<Value>(sorted: Value[], value: Value, before: (a: Value, b: Value) => boolean): void {
  sorted.splice(placeFor(sorted, value, before), 0, value);
}

/** Where a value stands, or would stand, in a sorted array. */
function placeFor<Value>(sorted: readonly Value[], value: Value, before: (a: Value, b: Value) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = sorted[middle];
    if (at !== undefined && before(at, value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
