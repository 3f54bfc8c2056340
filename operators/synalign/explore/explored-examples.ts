import { z } from 'zod';

import type { Correction } from '../../../schemas/correction.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { type AttributeDemand, type Example, example, type Plan } from '../../../schemas/plan.js';
import type { ExploreStep, SteerStep } from '../../../schemas/steps/synalign.js';
import type { Embedder } from '../../embedder.js';
import type { Changes } from '../../flow/outcome.js';
import { scopedMemory } from '../../flow/scoped.js';
import type { EmbeddedReal } from '../embedded-real.js';
import { Exploration } from './exploration.js';

/** How real records are explored to be shown by plans. */
export interface ExploringOptions {
  /** Whose embeddings the records come with. */
  readonly embedder: Pick<Embedder, 'id' | 'dimensions'>;
  readonly settings: ExploreStep;
  /** Whether corrections change what is picked. */
  readonly steer: SteerStep | 'off';
  /** Of the corrections' random features. @default 512 */
  readonly frequencies?: number;
  /** Plans of a label that are shown the same pick. */
  readonly uses: number;
  /** Records of a file are waited for to its end, which a `loaded` tick tells; those of a topic need not end. */
  readonly feed: 'files' | 'topic';
  /** Where a record stands on the stream; ascending. @default 0, 1, 2, ... in the order in which they come */
  readonly placeOf?: (real: EmbeddedReal['real']) => number | undefined;
}

export interface ExploredExamplesOptions {
  readonly exploring: ExploringOptions;
  readonly lane: number;
  readonly seed: number;
  /** What the memory held at the last commit: `explore/...` of the exploration, `explored`, and `pick/LABEL`. */
  readonly memory: ReadonlyMap<string, unknown>;
}

/** What a unit of plans is shown. */
export interface Explored {
  readonly examples: readonly Example[];
  readonly region: NonNullable<Plan['region']>;
  /** Of values of attributes, as corrections have it now. */
  readonly attributeDemand: readonly AttributeDemand[];
  /** The place of the last real record that was explored by then. */
  readonly reals: number;
  readonly changes: Changes;
}

const pick = z.object({
  examples: z.array(example),
  region: z.object({ exemplar: z.string(), variance: z.number(), demand: z.number() }),
  left: z.int(),
});
type OpenPick = z.infer<typeof pick>;

const explored = z.object({ seen: z.int(), place: z.int(), isOpen: z.boolean() });

/** Records of a file that are waited for, at most; behind them it depends on timing which plan knows which. */
const mostAwaited = 10_000;

/**
 * Examples of the real stream that an exploration picks; each pick serves several plans of a label, which one answer of a model can
 * then be about. Depends on the options and on the order of calls alone. Keeps what the exploration keeps, and a pick for each label.
 */
export class ExploredExamples {
  readonly #exploration: Exploration;
  readonly #picks = new Map<string, OpenPick>();
  #seen = 0;
  #place = -1;
  /** Whether plans may draw: not while a file is being read. */
  #isOpen: boolean;
  /** Of the last record that could not be explored. */
  #lastRefusal: string | undefined;

  constructor(private readonly options: ExploredExamplesOptions) {
    const { exploring, lane, seed, memory } = options;
    const { embedder, settings, steer, frequencies = 512, feed } = exploring;
    const own = scopedMemory(memory, 'explore');
    this.#exploration = new Exploration({ memory: own, embedder, lane, seed, settings, steer, frequencies });
    const stored = memory.has('explored') ? explored.parse(memory.get('explored')) : undefined;
    this.#seen = stored?.seen ?? 0;
    this.#place = stored?.place ?? -1;
    this.#isOpen = stored?.isOpen ?? feed === 'topic';
    for (const [key, value] of memory) {
      if (key.startsWith(pickKey)) this.#picks.set(key.slice(pickKey.length), pick.parse(value));
    }
  }

  /** Whether a unit of plans can be shown as many as it needs; of a file that has ended, as many as there are. */
  get ready(): boolean {
    const { feed, settings } = this.options.exploring;
    return this.#isOpen && this.#exploration.ready(feed === 'files' ? 1 : settings.examples);
  }

  /** Why a record cannot be explored, where it cannot. */
  refusal({ real, embedding }: EmbeddedReal): string | undefined {
    return this.#exploration.refusal(real, embedding);
  }

  add({ real, embedding }: EmbeddedReal): Changes {
    const { placeOf } = this.options.exploring;
    this.#place = placeOf?.(real) ?? this.#place + 1;
    this.#seen++;
    if (this.#seen >= mostAwaited) this.#isOpen = true;
    return [...this.#explored(this.#exploration.add(real, embedding)), this.#stored()];
  }

  /** A record cannot be shown by a plan; the last reason is told where that leaves nothing to explore. */
  refused(why: string): void {
    this.#lastRefusal = why;
  }

  /** The file has come to its end. Throws `input-unreadable` where none of its records can be explored: no plan would ever go out. */
  loaded(): Changes {
    if (!this.#exploration.ready(1)) throw this.#nothingToExplore();
    this.#isOpen = true;
    return [this.#stored()];
  }

  draw({ number, size, label }: { readonly number: number; readonly size: number; readonly label?: string }): Explored {
    const key = label ?? '';
    const { pick, changes } = this.#pickFor(key, number, label);
    const left = pick.left - size;
    if (left > 0) this.#picks.set(key, { ...pick, left });
    else this.#picks.delete(key);
    const kept = left > 0 ? { ...pick, left } : null;
    const { examples, region } = pick;
    const attributeDemand = this.#exploration.attributeDemand(label);
    return { examples, region, attributeDemand, reals: this.#place, changes: [...changes, [`${pickKey}${key}`, kept]] };
  }

  /** What is missing, and what is too much: heeded by the next picks. */
  steer(correction: Correction): Changes {
    return this.#explored(this.#exploration.steer(correction));
  }

  #nothingToExplore(): HeadwaterError {
    const why = this.#lastRefusal === undefined ? '' : `; the last one: ${this.#lastRefusal}`;
    const what = `inputs.real: no record of lane ${this.options.lane} can be explored${why}`;
    const fix = "see 'headwater tail dead-letters', mend the input, and start with a new data folder";
    return new HeadwaterError('input-unreadable', `${what}; ${fix}`);
  }

  #pickFor(
    key: string,
    number: number,
    label: string | undefined,
  ): { readonly pick: OpenPick; readonly changes: Changes } {
    const open = this.#picks.get(key);
    if (open !== undefined) return { pick: open, changes: [] };
    const { settings, uses } = this.options.exploring;
    const { examples, region, changes } = this.#exploration.draw({ number, count: settings.examples, label });
    return { pick: { examples: [...examples], region, left: uses }, changes: this.#explored(changes) };
  }

  #explored(changes: Changes): Changes {
    return changes.map(([key, value]) => [`explore/${key}`, value] as const);
  }

  #stored(): Changes[number] {
    return ['explored', { seen: this.#seen, place: this.#place, isOpen: this.#isOpen }];
  }
}

const pickKey = 'pick/';
