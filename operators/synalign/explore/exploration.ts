import type { Correction } from '../../../schemas/correction.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { AttributeDemand, Example, Plan } from '../../../schemas/plan.js';
import type { Real } from '../../../schemas/real.js';
import type { ExploreStep, SteerStep } from '../../../schemas/steps/synalign.js';
import type { Embedder } from '../../embedder.js';
import type { Changes } from '../../flow/outcome.js';
import { scopedMemory } from '../../flow/scoped.js';
import { isZero } from '../../kernels/diversity/cosine-sum.js';
import { leastSpread } from '../../kernels/gaussian-process/greedy-variance.js';
import { medianHeuristic } from '../../kernels/mmd/median-heuristic.js';
import { stack } from '../../kernels/points.js';
import { hashUint32 } from '../../kernels/random.js';
import { embeddingFault } from '../embedding-fault.js';
import type { Candidate } from './candidate.js';
import { Demand } from './demand.js';
import { mostWanted } from './most-wanted.js';
import { nearestCandidates } from './nearest-candidates.js';
import { TakenVariance } from './taken-variance.js';
import { turnOf } from './turn-of.js';
import { UncertaintyTracker } from './uncertainty-tracker.js';

export interface ExplorationOptions {
  /** What it remembered at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Whose embeddings come; those of another one have no distance to them. */
  readonly embedder: Pick<Embedder, 'id' | 'dimensions'>;
  readonly lane: number;
  /** That of those who write the corrections, as their random features depend on it. */
  readonly seed: number;
  readonly settings: ExploreStep;
  /** Whether corrections change what is picked. */
  readonly steer: SteerStep | 'off';
  /** Random Fourier frequencies of the corrections. */
  readonly frequencies: number;
}

/** What is to be drawn. */
export interface ExplorationDraw {
  /** Different draws have different numbers. */
  readonly number: number;
  /** Records that are shown: the pick and its nearest neighbours. */
  readonly count: number;
  readonly label: string | undefined;
}

export interface Drawing {
  /** The pick first, then its neighbours, nearest first. */
  readonly examples: readonly Example[];
  readonly region: NonNullable<Plan['region']>;
  readonly changes: Changes;
}

/** Where an exploration stands. */
export interface ExplorationReport {
  /** Null before two real records have come and one was to be picked. */
  readonly lengthScale: number | null;
  /**
   * Whether the length scale tells records apart: their variances differ. False too where all candidates are equal; null while there are
   * only picks.
   */
  readonly informative: boolean | null;
  /** Real records that came. */
  readonly seen: number;
  /** By label, '' for records without one. */
  readonly explored: Readonly<Record<string, number>>;
  readonly candidates: Readonly<Record<string, number>>;
}

interface LengthScale {
  readonly lengthScale: number;
  /** Real records that had come when it was taken. */
  readonly of: number;
}

/** Real records after which the length scale never changes. */
const lastScale = 256;
/** Labels that are explored each on its own; records of further ones are explored together. */
const mostLabels = 64;

/**
 * Chooses which real records are shown next: those that tell a Gaussian process most, where most is missing.
 *
 * Each label has an `UncertaintyTracker` of its own, which says what is known, what is kept and how it fades; 64 labels, and one for all others. A draw
 * picks from the candidates of its label, and from all where it has none or none is asked for; a label with fewer than `count` is shown whole, and
 * the nearest of other labels behind. The pick takes most variance from the real
 * distribution, weighted by demand (`mostWanted`); with `criterion: variance`, it is where variance x demand is greatest, which may be an outlier.
 * Of equal ones a hash decides, never their order. Examples are the pick and the candidates nearest to it, copies of each other last. Demand
 * is 1 without corrections (`Demand`). A correction of another reference, as after a drift, makes all regions
 * uncertain by a half-life, and what came before the alarm's window is no candidate any more, but for the newest 16 of each label.
 *
 * The length scale is the median heuristic on the first 256 real records, and fixed from then on. Where plans are wanted earlier, it is that of
 * the records so far, taken anew whenever they have doubled. It is never fitted. A record costs O(m (m + dimensions)) with m = `inducing`,
 * a draw O((candidates + 128^2) (dimensions + m)), and O(candidates m^2) every m / 8 draws. Memory by label: see `UncertaintyTracker`.
 *
 * Throws `HeadwaterError`: `data-foreign` where the memory is of another embedder or other settings, `record-invalid` where it is damaged.
 *
 * @example
 * ```ts
 * const exploration = new Exploration({ memory: new Map(), embedder, lane: 0, seed: 7, settings, steer: 'off', frequencies: 512 });
 * for (const { real, embedding } of records) exploration.add(real, embedding);
 * const { examples, region } = exploration.draw({ number: 0, count: 3, label: undefined });
 * ```
 */
export class Exploration {
  readonly #options: ExplorationOptions;
  readonly #demand: Demand;
  readonly #taken: TakenVariance;
  /** By label, in the order in which labels came; undefined for records without one, and those of too many labels. */
  readonly #trackers = new Map<string | undefined, UncertaintyTracker>();
  /** By tracker, what its keys in the memory start with. */
  readonly #names = new Map<UncertaintyTracker, string>();
  readonly #shape: string;
  #scale: LengthScale | undefined;
  #shapeStored: boolean;

  constructor(options: ExplorationOptions) {
    const { memory, embedder, settings } = options;
    this.#options = options;
    this.#shape = `${embedder.id} ${embedder.dimensions} ${settings.inducing} ${settings.candidates}`;
    checkShape(memory, this.#shape);
    this.#shapeStored = memory.has('shape');
    this.#scale = restoredScale(memory.get('scale'));
    this.#demand = new Demand(options);
    this.#taken = new TakenVariance(embedder.dimensions, settings.inducing);
    for (let i = 0; memory.has(`label/${i}`); i++) {
      const stored = memory.get(`label/${i}`);
      this.#open(typeof stored === 'string' ? stored : undefined);
    }
  }

  /** Real records that can be picked. */
  get size(): number {
    return [...this.#trackers.values()].reduce((sum, { candidates }) => sum + candidates.length, 0);
  }

  /** Why an embedding cannot be explored: say so in a dead letter (`record-invalid`). Undefined where it can. */
  refusal({ id }: Real, embedding: Float32Array): string | undefined {
    const fault = embeddingFault(embedding, this.#options.embedder.dimensions, `real record ${id}`);
    if (fault !== undefined || !isZero(embedding)) return fault;
    return `the embedding of the real record ${id} is zero: the embedder finds no token in its text`;
  }

  /** A real record comes, with an embedding of unit norm that `refusal` does not refuse: it throws `TypeError` otherwise. */
  add(real: Real, embedding: Float32Array): Changes {
    const refusal = this.refusal(real, embedding);
    if (refusal !== undefined) throw new TypeError(refusal);
    const { id, fields, label } = real;
    const { tracker, changes } = this.#trackerFor(label);
    const added: Example = { id, fields, ...(label === undefined ? {} : { label }), vary: {}, from: 'real' };
    const all = [
      ...this.#shapeChange(),
      ...changes,
      ...this.#of(tracker, tracker.add(added, embedding, this.#seen + 1)),
    ];
    return this.#seen === lastScale ? [...all, ...this.#measured()] : all;
  }

  /** Whether a draw can show so many records. */
  ready(count: number): boolean {
    return this.size >= count;
  }

  /** Throws `RangeError` before there is a record; shows fewer than `count` where there are fewer. */
  draw({ number, count, label }: ExplorationDraw): Drawing {
    const scaled = this.#measured();
    const pool = this.#poolFor(label);
    const { seed, lane, settings } = this.#options;
    const wanted = mostWanted({
      pool,
      criterion: settings.criterion,
      seed: hashUint32(seed, 'explore', lane, number),
      demandAt: (embedding) => this.#demand.at(embedding),
      taken: this.#taken,
    });
    if (wanted === undefined) throw new RangeError('there is no real record to draw');
    const { tracker, candidate, variance, demand } = wanted;
    const explored = this.#of(tracker, tracker.explore(candidate));
    const neighbours = this.#neighboursOf(candidate, pool, count - 1);
    return {
      examples: [candidate, ...neighbours].map(({ example }) => example),
      region: { exemplar: candidate.example.id, variance, demand },
      changes: [...scaled, ...explored],
    };
  }

  /** A correction says what is missing; where steering is off, or it says nothing about these records, nothing changes. */
  steer(correction: Correction): Changes {
    const { reference = 0 } = this.#demand;
    const changes = this.#demand.take(correction);
    if ((this.#demand.reference ?? 0) === reference) return changes;
    const from = turnOf(correction, this.#seen);
    return [...changes, ...[...this.#trackers.values()].flatMap((tracker) => this.#of(tracker, tracker.reopen(from)))];
  }

  /** Of values of attributes of texts with a label. */
  attributeDemand(label: string | undefined): readonly AttributeDemand[] {
    return this.#demand.attributes(label);
  }

  report(): ExplorationReport {
    const trackers = [...this.#trackers];
    const spreads = trackers.flatMap(([, { spread }]) => (spread === undefined ? [] : [spread]));
    const byLabel = (count: (tracker: UncertaintyTracker) => number) =>
      Object.fromEntries(trackers.map(([label = '', tracker]) => [label, count(tracker)]));
    return {
      lengthScale: this.#scale?.lengthScale ?? null,
      informative: spreads.length === 0 ? null : spreads.some((spread) => spread >= leastSpread),
      seen: this.#seen,
      explored: byLabel(({ explored }) => explored),
      candidates: byLabel(({ candidates }) => candidates.length),
    };
  }

  get #seen(): number {
    return [...this.#trackers.values()].reduce((sum, { seen }) => sum + seen, 0);
  }

  #trackerFor(label: string | undefined): { readonly tracker: UncertaintyTracker; readonly changes: Changes } {
    const own =
      label !== undefined && !this.#trackers.has(label) && this.#trackers.size >= mostLabels ? undefined : label;
    const known = this.#trackers.get(own);
    if (known !== undefined) return { tracker: known, changes: [] };
    const number = this.#trackers.size;
    return { tracker: this.#open(own), changes: [[`label/${number}`, own ?? 0]] };
  }

  #open(label: string | undefined): UncertaintyTracker {
    const { memory, embedder, settings, seed, lane } = this.#options;
    const name = String(this.#trackers.size);
    const tracker = new UncertaintyTracker({
      dimensions: embedder.dimensions,
      settings,
      seed: hashUint32(seed, 'explore', lane, name),
      memory: scopedMemory(memory, name),
    });
    if (this.#scale !== undefined) tracker.useLengthScale(this.#scale.lengthScale);
    this.#trackers.set(label, tracker);
    this.#names.set(tracker, name);
    return tracker;
  }

  /** The length scale, where it is to be taken from the records so far. */
  #measured(): Changes {
    const { of = 1 } = this.#scale ?? {};
    if (of >= lastScale || this.#seen < Math.min(lastScale, 2 * of)) return [];
    const embeddings = [...this.#trackers.values()].flatMap(({ candidates }) => candidates.map((one) => one.embedding));
    if (embeddings.length < 2) return [];
    const { seed, lane } = this.#options;
    const drawn = { maxPoints: lastScale, seed: hashUint32(seed, 'length scale', lane) };
    this.#scale = { lengthScale: medianHeuristic(stack(embeddings), drawn), of: this.#seen };
    for (const tracker of this.#trackers.values()) tracker.useLengthScale(this.#scale.lengthScale);
    return [['scale', this.#scale]];
  }

  #poolFor(label: string | undefined): readonly UncertaintyTracker[] {
    const own = label === undefined ? undefined : this.#trackers.get(label);
    return own !== undefined && own.candidates.length > 0 ? [own] : [...this.#trackers.values()];
  }

  /** Of a candidate that was just picked: those of the pool, and behind them of all others where the pool has too few. */
  #neighboursOf(candidate: Candidate, pool: readonly UncertaintyTracker[], count: number): readonly Candidate[] {
    const [only, ...more] = pool;
    const farness = more.length === 0 ? only?.process.farness(only.candidates.length) : undefined;
    const own = nearestCandidates(candidate, candidatesOf(pool), count, farness);
    if (own.length >= count) return own;
    const rest = [...this.#trackers.values()].filter((tracker) => !pool.includes(tracker));
    return [...own, ...nearestCandidates(candidate, candidatesOf(rest), count - own.length)];
  }

  #of(tracker: UncertaintyTracker, changes: Changes): Changes {
    const name = this.#names.get(tracker) ?? '';
    return changes.map(([key, value]) => [`${name}/${key}`, value] as const);
  }

  #shapeChange(): Changes {
    if (this.#shapeStored) return [];
    this.#shapeStored = true;
    return [['shape', this.#shape]];
  }
}

function candidatesOf(trackers: readonly UncertaintyTracker[]): readonly Candidate[] {
  const [only, ...more] = trackers;
  return only !== undefined && more.length === 0 ? only.candidates : trackers.flatMap(({ candidates }) => candidates);
}

function checkShape(memory: ReadonlyMap<string, unknown>, shape: string): void {
  const stored = memory.get('shape');
  if (stored === undefined || stored === shape) return;
  const what = `the exploration was kept for '${stored}' (embedder, dimensions, inducing, candidates), not for '${shape}'`;
  throw new HeadwaterError('data-foreign', `${what}: put the recipe back, or start with a new data folder`);
}

function restoredScale(value: unknown): LengthScale | undefined {
  if (value === undefined || value === null) return undefined;
  const { lengthScale, of } = Object(value) as Partial<Record<keyof LengthScale, unknown>>;
  if (typeof lengthScale === 'number' && lengthScale > 0 && typeof of === 'number') return { lengthScale, of };
  throw new HeadwaterError('record-invalid', "the memory of the exploration holds a damaged 'scale'");
}
