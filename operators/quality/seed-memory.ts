import type { Fields } from '../../schemas/example.js';
import type { Example } from '../../schemas/plan.js';
import type { Finding, Rule } from './rule.js';
import { wordGrams, wordsOf } from './words.js';

/** At most one seed in so many may break a rule of form; where more do, the domain's texts look like that. */
const exceptions = 10;

/**
 * What a gate knows of the seeds, in the order in which they came. Every question names how many of them count, so that
 * an answer does not change when more seeds arrive. Grows with the seeds alone.
 */
export class SeedMemory {
  readonly #forms: readonly Rule[];
  /** By word 5-gram, the seeds that have it, in order. */
  readonly #seedsByGram = new Map<string, number[]>();
  /** By the words of the first field, the seeds that have them, in order. */
  readonly #seedsByFirst = new Map<string, number[]>();
  /** By rule of form, the seeds that break it, in order. */
  readonly #breaking = new Map<Rule, number[]>();
  #size = 0;

  constructor(
    rules: readonly Rule[],
    private readonly firstField: string,
  ) {
    this.#forms = rules.filter((rule) => rule.form);
  }

  get size(): number {
    return this.#size;
  }

  add(fields: Fields): void {
    const seed = this.#size;
    for (const gram of gramsOf(fields)) append(this.#seedsByGram, gram, seed);
    append(this.#seedsByFirst, wordsOf(fields[this.firstField] ?? '').join(' '), seed);
    for (const rule of this.#forms) if (rule.broken(fields) !== undefined) append(this.#breaking, rule, seed);
    this.#size += 1;
  }

  /** Whether a rule holds in the domain that the first `count` seeds show: always, unless it is about form and they break it. */
  holds(rule: Rule, count: number): boolean {
    if (!rule.form) return true;
    const seeds = Math.min(count, this.#size);
    return below(this.#breaking.get(rule) ?? [], count) * exceptions <= seeds;
  }

  /**
   * Why the fields are a near copy of one of the first `count` seeds: they share at least `overlap` of their word 5-grams
   * with it, or its first field. A first field of one word, or one that two seeds share, is a class rather than a text.
   */
  copied(fields: Fields, count: number, overlap: number): Finding | undefined {
    const first = fields[this.firstField] ?? '';
    const sameFirst = this.#seedsByFirst.get(wordsOf(first).join(' ')) ?? [];
    if (below(sameFirst, count) === 1 && first.trim().includes(' ')) {
      return { reason: 'seed-copy', detail: `'${this.firstField}' is that of seed ${sameFirst[0]}` };
    }
    const { seed, share } = this.#closest(gramsOf(fields), count);
    if (share < overlap) return undefined;
    return {
      reason: 'seed-copy',
      detail: `${Math.round(share * 100)} % of its word 5-grams are those of seed ${seed}`,
    };
  }

  #closest(grams: ReadonlySet<string>, count: number): { readonly seed: number; readonly share: number } {
    const shared = new Map<number, number>();
    for (const gram of grams) {
      for (const seed of this.#seedsByGram.get(gram) ?? []) {
        if (seed >= count) break;
        shared.set(seed, (shared.get(seed) ?? 0) + 1);
      }
    }
    let closest = { seed: -1, share: 0 };
    for (const [seed, number] of shared) {
      if (number / grams.size > closest.share) closest = { seed, share: number / grams.size };
    }
    return closest;
  }
}

/** Why the fields are a near copy of a real record that their plan showed: they share at least `overlap` of their word 5-grams. */
export function copiedExample(fields: Fields, examples: readonly Example[], overlap: number): Finding | undefined {
  const shown = examples.filter(({ from }) => from === 'real');
  if (shown.length === 0) return undefined;
  const grams = gramsOf(fields);
  for (const example of shown) {
    const theirs = gramsOf(example.fields);
    const share = [...grams].filter((gram) => theirs.has(gram)).length / grams.size;
    if (share < overlap) continue;
    const detail = `${Math.round(share * 100)} % of its word 5-grams are those of the real record ${example.id}`;
    return { reason: 'example-copy', detail };
  }
  return undefined;
}

function gramsOf(fields: Fields): ReadonlySet<string> {
  return wordGrams(wordsOf(Object.values(fields).join('\n')));
}

function append<Key>(lists: Map<Key, number[]>, key: Key, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** How many of the ascending numbers are under `limit`. */
function below(ascending: readonly number[], limit: number): number {
  const index = ascending.findIndex((number) => number >= limit);
  return index < 0 ? ascending.length : index;
}
