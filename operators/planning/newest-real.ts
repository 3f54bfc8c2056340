import type { Example } from '../../schemas/plan.js';
import { example } from '../../schemas/plan.js';
import type { Real } from '../../schemas/real.js';
import type { Changes } from '../flow/outcome.js';
import { hashFloat } from '../kernels/random.js';

export interface NewestRealOptions {
  /** What the memory held at the last commit: `real/SLOT` an example, `reals` how many have come. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Records held: the newest. */
  readonly capacity: number;
  readonly seed: number;
  readonly lane: number;
}

/** What of them is to be drawn. */
export interface RealDraw {
  /** Different draws have different numbers. */
  readonly number: number;
  readonly count: number;
  readonly label: string | undefined;
}

/** The newest real records, of which examples are drawn at random: each draw depends on the seed, its number and what is held. */
export class NewestReal {
  /** A ring: record n is in slot n modulo the capacity. */
  readonly #slots: Example[] = [];
  #added: number;

  constructor(private readonly options: NewestRealOptions) {
    const { memory, capacity } = options;
    const added = memory.get('reals');
    this.#added = typeof added === 'number' ? added : 0;
    for (let slot = 0; slot < Math.min(this.#added, capacity); slot++) {
      this.#slots.push(example.parse(memory.get(`real/${slot}`)));
    }
  }

  get size(): number {
    return this.#slots.length;
  }

  add({ id, fields, label }: Real): Changes {
    const slot = this.#added++ % this.options.capacity;
    const added: Example = { id, fields, ...(label === undefined ? {} : { label }), vary: {}, from: 'real' };
    this.#slots[slot] = added;
    return [
      [`real/${slot}`, added],
      ['reals', this.#added],
    ];
  }

  /** So many different records: of the label, where there are enough of it. */
  draw({ number, count, label }: RealDraw): readonly Example[] {
    const { seed, lane } = this.options;
    const fitting = this.#slots.filter((record) => record.label === label);
    const from = label !== undefined && fitting.length >= count ? fitting : [...this.#slots];
    const drawn: Example[] = [];
    for (let i = 0; i < count && from.length > 0; i++) {
      const index = Math.floor(hashFloat(seed, 'real', lane, number, i) * from.length);
      drawn.push(...from.splice(index, 1));
    }
    return drawn;
  }
}
