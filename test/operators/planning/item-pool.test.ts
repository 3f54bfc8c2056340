import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Changes } from '../../../operators/flow/outcome.js';
import { hashFloat } from '../../../operators/kernels/random.js';
import { ItemPool, type ItemPoolOptions } from '../../../operators/planning/item-pool.js';

const options: Omit<ItemPoolOptions<string>, 'memory'> = {
  name: 'item',
  type: z.string(),
  feed: 'topic',
  capacity: 4,
  characters: 100,
  charactersOf: (item) => item.length,
  keyOf: (item, round) => hashFloat(7, round, item),
};

function pool(changes: Partial<ItemPoolOptions<string>> = {}): ItemPool<string> {
  return new ItemPool({ ...options, memory: new Map(), ...changes });
}

test('holds what its bounds let in, and one item that is longer than all', () => {
  const bounded = pool({ characters: 10, capacity: 3 });
  for (const item of ['aaaa', 'bbbb', 'cccc']) bounded.add(item);
  expect(bounded.size).toBe(2);
  bounded.add('d'.repeat(30));
  expect(bounded.size).toBe(1);
  expect(bounded.draw().item).toBe('d'.repeat(30));
});

test('an empty one has nothing, and says so', () => {
  expect(pool().ready(true)).toBe(false);
  expect(() => pool().draw()).toThrow('item: nothing can be drawn from an empty pool');
});

/** The slow reference: whatever is asked is looked for among all items. */
class SlowPool {
  items: { readonly item: string; readonly place: number; used: number }[] = [];
  added = 0;
  round = 0;

  add(item: string): void {
    this.items.push({ item, place: this.added++, used: -1 });
    if (this.items.length <= 4) return;
    const gone = this.items.find(({ used }) => used === this.round) ?? this.items[0];
    this.items = this.items.filter((other) => other !== gone);
  }

  draw(): string {
    if (this.items.every(({ used }) => used === this.round)) this.round++;
    const key = ({ item }: { readonly item: string }) => hashFloat(7, this.round, item);
    const [next] = this.items
      .filter(({ used }) => used !== this.round)
      .sort((a, b) => key(a) - key(b) || a.place - b.place);
    if (next === undefined) throw new Error('it is empty');
    next.used = this.round;
    return next.item;
  }
}

test('draws as a slow one does, wherever it is started again', () => {
  const step = fc.oneof(
    fc.record({ add: fc.string({ maxLength: 5 }) }),
    fc.constant('draw' as const),
    fc.constant('restart' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new Map<string, unknown>();
      let fast = pool({ memory });
      const slow = new SlowPool();
      const keep = (changes: Changes) => {
        for (const [key, value] of changes) {
          if (value === null) memory.delete(key);
          else memory.set(key, JSON.parse(JSON.stringify(value)));
        }
      };
      for (const each of steps) {
        if (each === 'restart') fast = pool({ memory: new Map(memory) });
        else if (each !== 'draw') {
          keep(fast.add(each.add));
          slow.add(each.add);
        } else if (fast.ready(true)) {
          const { item, changes } = fast.draw();
          keep(changes);
          expect(item).toBe(slow.draw());
        }
        expect(fast.size).toBe(slow.items.length);
        // Its text and its last round, of each item, and one entry for the pool.
        expect(memory.size).toBeLessThanOrEqual(2 * 4 + 1);
      }
    }),
    { numRuns: 300 },
  );
});
