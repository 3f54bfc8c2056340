import { z } from 'zod';

import type { Correction } from '../../schemas/correction.js';
import type { Document } from '../../schemas/document.js';
import { fields } from '../../schemas/example.js';
import type { Given } from '../../schemas/given.js';
import { type Example, example, type Plan } from '../../schemas/plan.js';
import type { Real } from '../../schemas/real.js';
import type { Seed } from '../../schemas/seed.js';
import type { Tick } from '../../schemas/tick.js';
import type { Changes } from '../flow/outcome.js';
import { hashFloat } from '../kernels/random.js';
import { cutText } from '../prompting/cut-text.js';
import type { EmbeddedReal } from '../synalign/embedded-real.js';
import { type Explored, ExploredExamples, type ExploringOptions } from '../synalign/explore/explored-examples.js';
import { ItemPool } from './item-pool.js';
import { NewestReal } from './newest-real.js';
import { drawnEvenly } from './personas.js';
import type { Drawn } from './plan-of.js';
import type { Unit } from './planner.js';
import { RealLabels } from './real-labels.js';

export interface MaterialOptions {
  readonly lane: number;
  /** All randomness. */
  readonly seed: number;
  /** Examples that a plan shows. */
  readonly examples: number;
  /** Whether examples are seeds or records of the real stream. @default seeds */
  readonly from?: 'seeds' | 'real';
  /** Examples are records of the real stream that a Gaussian process picks, whatever `from` says. @default off */
  readonly explore?: ExploringOptions | undefined;
  /** The label's values whose shares follow those of the explored records. @default none do */
  readonly followed?: readonly string[] | undefined;
  /** Who the writer is, drawn evenly. @default nobody */
  readonly personas?: readonly string[] | undefined;
  /** Each plan is grounded in a document. @default none is */
  readonly documents?: Feed | undefined;
  /** Each plan carries a text that was written elsewhere. @default none does */
  readonly given?: Feed | undefined;
  /**
   * @default 512 real records; 10,000 documents and as many given texts, with 32 million characters each; 8,000 of a document, 64,000 of a
   * real record or given text
   */
  readonly bounds?: Partial<MaterialBounds>;
}

/** Where a pool's items come from: files that end, and then a `loaded` tick says so, or a topic that need not end. */
export type Feed = 'files' | 'topic';

export interface MaterialBounds {
  /** Newest real records that examples are drawn from. */
  readonly real: number;
  readonly documents: number;
  readonly given: number;
  /** UTF-16 units of all documents, and of all given texts. */
  readonly characters: number;
  /** UTF-16 units of a document, above which it is cut behind a sentence or word. */
  readonly documentCharacters: number;
  /** UTF-16 units of a real record or given text, above which it is refused: a plan must fit into a message. */
  readonly textCharacters: number;
}

const defaults: MaterialBounds = {
  real: 512,
  documents: 10_000,
  given: 10_000,
  characters: 32_000_000,
  documentCharacters: 8000,
  textCharacters: 64_000,
};

/** Why a record can be in no plan. */
interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** What plans are made from. */
export type MaterialRecord = Seed | Real | EmbeddedReal | Document | Given;

const heldDocument = z.object({ id: z.string(), title: z.string().optional(), text: z.string() });
type HeldDocument = NonNullable<Plan['document']>;
const heldGiven = z.object({
  id: z.string(),
  fields,
  label: z.string().optional(),
  vary: z.record(z.string(), z.string()),
});
type HeldGiven = z.infer<typeof heldGiven>;

/** What plans are made of, beside ordinals: records of the inputs in, what the next unit of plans gets out. */
export class Material {
  /** In the order in which they came. */
  readonly seeds: readonly Example[];
  readonly #seeds: Example[];
  readonly #real: NewestReal | undefined;
  readonly #explored: ExploredExamples | undefined;
  readonly #labels: RealLabels | undefined;
  readonly #documents: ItemPool<HeldDocument> | undefined;
  readonly #given: ItemPool<HeldGiven> | undefined;
  readonly #bounds: MaterialBounds;

  constructor(
    private readonly options: MaterialOptions,
    memory: ReadonlyMap<string, unknown>,
  ) {
    const { lane, seed, from, explore: exploring, documents, given: givens } = options;
    const bounds = { ...defaults, ...options.bounds };
    const { characters } = bounds;
    this.#bounds = bounds;
    this.#seeds = restoredSeeds(memory);
    this.seeds = this.#seeds;
    this.#explored = exploring && new ExploredExamples({ exploring, lane, seed, memory });
    this.#labels = options.followed && new RealLabels(memory);
    const drawsNewest = from === 'real' && exploring === undefined;
    this.#real = drawsNewest ? new NewestReal({ memory, capacity: bounds.real, seed, lane }) : undefined;
    this.#documents =
      documents &&
      new ItemPool<HeldDocument>({
        name: 'document',
        type: heldDocument,
        memory,
        feed: documents,
        capacity: bounds.documents,
        characters,
        charactersOf: ({ text, title = '' }) => text.length + title.length,
        keyOf: ({ id }, round) => hashFloat(seed, 'document', lane, round, id),
      });
    this.#given =
      givens &&
      new ItemPool<HeldGiven>({
        name: 'given',
        type: heldGiven,
        memory,
        feed: givens,
        capacity: bounds.given,
        characters,
        charactersOf: (item) => Object.values(item.fields).reduce((sum, text) => sum + text.length, 0),
        keyOf: (_item, _round, place) => place,
      });
  }

  /**
   * Why a record can be in no plan: plans are messages, whose size is bounded, and what is explored must have a direction. The last reason
   * is kept for `loaded`.
   */
  refusal(record: MaterialRecord): Refusal | undefined {
    if (record.kind === 'embedded-real') {
      return this.#unexplorable(record);
    }
    const isCarried = (record.kind === 'real' && this.#real) || (record.kind === 'given' && this.#given);
    return isCarried ? this.#tooLong(record) : undefined;
  }

  /** Takes a record of an input in; those that no plan uses change nothing. */
  take(record: MaterialRecord): Changes {
    switch (record.kind) {
      case 'seed':
        return this.#takeSeed(record);
      case 'real':
        return this.#real?.add(record) ?? [];
      case 'embedded-real':
        return [...(this.#explored?.add(record) ?? []), ...this.#countLabel(record.real)];
      case 'document':
        return this.#documents?.add(this.#heldDocument(record)) ?? [];
      case 'given':
        return this.#given?.add(asHeld(record)) ?? [];
    }
  }

  /** An input's files were read to their end. Throws `input-unreadable` where real records are to be explored and none can be. */
  loaded({ input }: Tick): Changes {
    if (input === 'documents') return this.#documents?.loaded() ?? [];
    if (input === 'drafts') return this.#given?.loaded() ?? [];
    if (input === 'real') return this.#explored?.loaded() ?? [];
    return [];
  }

  /** What is missing and what is too much, for the picks to come. */
  steer(correction: Correction): Changes {
    return this.#explored?.steer(correction) ?? [];
  }

  /** The shares of the followed labels now. */
  get realShares(): readonly number[] | undefined {
    const { followed } = this.options;
    return followed && this.#labels?.shares(followed);
  }

  /** Whether there is all that a unit needs; without `mayRepeat`, documents and given texts that this round has not used. */
  ready(mayRepeat: boolean): boolean {
    return (
      this.#canShow() && [this.#documents, this.#given].every((pool) => pool === undefined || pool.ready(mayRepeat))
    );
  }

  /** What all plans of a unit get. */
  draw({ ordinal, size, label: planned }: Unit): { readonly drawn: Drawn; readonly changes: Changes } {
    const { lane, seed, personas, examples: count } = this.options;
    const number = ordinal / size;
    const grounding = this.#documents?.draw();
    const own = this.#given?.draw();
    const label = own?.item.label ?? planned;
    const explored = this.#explored?.draw({ number, size, ...(label === undefined ? {} : { label }) });
    const examples = explored?.examples ?? this.#real?.draw({ number, count, label });
    const persona = personas?.[drawnEvenly(seed, 'persona', lane, number, personas.length)];
    return {
      drawn: {
        by: ordinal,
        ...(label === undefined ? {} : { label }),
        ...(examples === undefined ? {} : { examples }),
        ...(explored === undefined ? {} : exploredParts(explored)),
        ...(persona === undefined ? {} : { persona }),
        ...(grounding === undefined ? {} : { document: grounding.item }),
        ...(own === undefined ? {} : { given: { id: own.item.id, fields: own.item.fields }, vary: own.item.vary }),
      },
      changes: [...(explored?.changes ?? []), ...(grounding?.changes ?? []), ...(own?.changes ?? [])],
    };
  }

  #canShow(): boolean {
    if (this.#explored !== undefined) return this.seeds.length > 0 && this.#explored.ready;
    return this.#real === undefined ? this.seeds.length > 0 : this.#real.size >= this.options.examples;
  }

  #unexplorable(record: EmbeddedReal): Refusal | undefined {
    const unfit = this.#explored?.refusal(record);
    const refusal = unfit === undefined ? this.#tooLong(record.real) : { code: 'record-invalid', message: unfit };
    if (refusal !== undefined) this.#explored?.refused(refusal.message);
    return refusal;
  }

  #tooLong({ fields }: Pick<Real, 'fields'>): Refusal | undefined {
    const characters = Object.values(fields).reduce((sum, text) => sum + text.length, 0);
    const { textCharacters } = this.#bounds;
    if (characters <= textCharacters) return undefined;
    const message = `its fields have ${characters} characters, and plans carry ${textCharacters}: shorten it`;
    return { code: 'record-too-large', message };
  }

  #countLabel({ label }: Real): Changes {
    const { followed } = this.options;
    return (followed && this.#labels?.add(label, followed)) ?? [];
  }

  #takeSeed({ id, fields, label, vary }: Seed): Changes {
    const added: Example = { id, fields, ...(label === undefined ? {} : { label }), vary };
    this.#seeds.push(added);
    return [[`${seedKey}${this.#seeds.length - 1}`, added]];
  }

  #heldDocument({ id, title, text }: Document): HeldDocument {
    return {
      id,
      ...(title === undefined ? {} : { title }),
      text: cutText(text, this.#bounds.documentCharacters),
    };
  }
}

function exploredParts({
  region,
  reals,
  attributeDemand,
}: Explored): Pick<Drawn, 'region' | 'reals' | 'attributeDemand'> {
  return { region, reals, ...(attributeDemand.length === 0 ? {} : { attributeDemand: [...attributeDemand] }) };
}

const seedKey = 'seed/';

function restoredSeeds(memory: ReadonlyMap<string, unknown>): Example[] {
  const seeds: Example[] = [];
  for (let i = 0; memory.has(`${seedKey}${i}`); i++) seeds.push(example.parse(memory.get(`${seedKey}${i}`)));
  return seeds;
}

function asHeld({ id, fields, label, vary }: Given): HeldGiven {
  return { id, fields, ...(label === undefined ? {} : { label }), vary };
}
