import { HeadwaterError } from '../../schemas/errors.js';
import { type Fields, fields as fieldsType } from '../../schemas/example.js';
import type { Real } from '../../schemas/real.js';
import type { Changes } from '../flow/outcome.js';
import { storedCount } from '../flow/stored-count.js';
import { randomFrom } from '../kernels/random.js';

/** A real record as far as it is shown. */
export interface ShownReal {
  readonly id: string;
  readonly fields: Fields;
  readonly label?: string;
}

/** The newest real records, from which some are drawn. Memory: `capacity` texts. */
export class RealWindow {
  readonly #slots: ShownReal[] = [];
  #seen: number;

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is not one that such a window left. */
  constructor(
    readonly capacity: number,
    memory: ReadonlyMap<string, unknown>,
  ) {
    this.#seen = storedCount(memory, 'real/seen', 0);
    for (let slot = 0; slot < Math.min(this.#seen, capacity); slot++) this.#slots.push(restored(memory, slot));
  }

  get size(): number {
    return this.#slots.length;
  }

  /** Lets a record in, and the oldest out where the window is full. Returns what the memory must hold. */
  push({ id, fields, label }: Real): Changes {
    const slot = this.#seen % this.capacity;
    const shown: ShownReal = { id, fields, ...(label !== undefined && { label }) };
    this.#slots[slot] = shown;
    this.#seen++;
    return [
      ['real/seen', this.#seen],
      [`real/${slot}`, shown],
    ];
  }

  /** `count` different records, of the label where it has as many, else of any; undefined where there are fewer in all. */
  draw(count: number, label: string | undefined, seed: number): readonly ShownReal[] | undefined {
    const alike = label === undefined ? [] : this.#slots.filter((slot) => slot.label === label);
    const from = alike.length >= count ? alike : [...this.#slots];
    if (from.length < count) return undefined;
    const random = randomFrom(seed);
    return Array.from({ length: count }, () => from.splice(random.below(from.length), 1)).flat();
  }
}

function restored(memory: ReadonlyMap<string, unknown>, slot: number): ShownReal {
  const stored = memory.get(`real/${slot}`);
  if (typeof stored === 'object' && stored !== null) {
    const { id, fields, label } = stored as Partial<Record<keyof ShownReal, unknown>>;
    const texts = fieldsType.safeParse(fields);
    if (typeof id === 'string' && texts.success && (label === undefined || typeof label === 'string')) {
      return { id, fields: texts.data, ...(label !== undefined && { label }) };
    }
  }
  throw new HeadwaterError('record-invalid', `the memory lacks the real record 'real/${slot}', or it is damaged`);
}
