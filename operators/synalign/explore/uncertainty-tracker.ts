import { HeadwaterError } from '../../../schemas/errors.js';
import type { Example } from '../../../schemas/plan.js';
import type { ExploreStep } from '../../../schemas/steps/synalign.js';
import type { Changes } from '../../flow/outcome.js';
import type { NearestObservation, PosteriorVariance } from '../../kernels/gaussian-process/posterior-variance.js';
import { hashFloat } from '../../kernels/random.js';
import {
  type Candidate,
  type Explored,
  freeSlot,
  printOf,
  restoredCounts,
  restoredRecords,
  storedCandidate,
  storedExplored,
} from './candidate.js';
import { CandidateProcess } from './candidate-process.js';
import { CandidateSlots } from './candidate-slots.js';
import { type Cell, Cells, massChange } from './cells.js';
import { freshNoise, leastUseful, noiseAt, thinning } from './fading.js';

export interface UncertaintyTrackerOptions {
  readonly dimensions: number;
  readonly settings: Pick<ExploreStep, 'inducing' | 'candidates' | 'halfLife'>;
  /** Of the choice which records stay candidates. */
  readonly seed: number;
  /** `counts`, `candidate/SLOT`, `explored/SLOT`, `mass/SLOT`. */
  readonly memory: ReadonlyMap<string, unknown>;
}

/**
 * What is known of the real records of one label, by those that were picked: a Gaussian process whose observations fade.
 *
 * The noise of a pick is 1e-6 + 2^(age / halfLife) - 1, with its age in picks, so that an isolated one is known to 2^(-age / halfLife): half after
 * a half-life, and the region round it is uncertain again. Ages are looked at every 1/8 of the half-life, or of the inducing set where that is
 * smaller, and when the set is full. It then loses its least useful eighth: those that tell least beside the others (`information`, small for what is
 * faded and for what others say too). Picks of ten half-lives ago are forgotten.
 *
 * Candidates fill up with the first records. When they are full, a record comes in with the chance members / mass of its cell (the candidates
 * of a region are a sample of the records of late), and surely if no candidate of its cell is as uncertain; an exact copy never does. For it, the
 * oldest candidate goes of the cell with the most for the root of its mass. So every region keeps candidates, dense ones more; those of a region
 * that the stream has left go one by one. All other records count in the mass of their cell alone.
 *
 * A record costs O(m d), with O(m^2) where it may come in. A pick costs O(candidates (m + d)), and O(candidates m^2) where ages
 * are looked at. Memory: (candidates + m) (16 m + 8 d) bytes and the candidates' texts, with m = `inducing`, of which what is used is provided. All
 * of it follows from its memory to the last bit.
 */
export class UncertaintyTracker {
  readonly #options: UncertaintyTrackerOptions;
  readonly #candidates = new CandidateSlots();
  /** In the order of their picks, as the process has them. */
  #explored: readonly Explored[] = [];
  readonly #cells: Cells;
  /** The greatest variance of the candidates of a cell, where it was asked for since they changed. */
  readonly #mostIn = new Map<Cell, number>();
  readonly #process: CandidateProcess;
  /** Records so far. */
  #seen: number;
  /** Picks so far; it jumps where all is to be uncertain again. */
  #clock: number;
  /** The time of the ages that the noises are of. */
  #refreshed: number;

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor(options: UncertaintyTrackerOptions) {
    const { memory, dimensions, settings } = options;
    this.#options = options;
    this.#process = new CandidateProcess({ dimensions, ...settings });
    const counts = restoredCounts(memory, 'counts');
    this.#seen = counts.seen;
    this.#clock = counts.clock;
    this.#refreshed = counts.refreshed;
    const { candidates, explored } = restoredRecords(memory, dimensions);
    for (const candidate of candidates) this.#candidates.place(candidate);
    this.#explored = explored;
    const slots = explored.map(({ slot }) => slot);
    this.#cells = new Cells({ slots, candidates: settings.candidates, memory });
    if (!this.#candidates.isWhole) {
      throw new HeadwaterError('record-invalid', 'the memory of the exploration lacks a candidate');
    }
    this.#countMembers();
  }

  /** Records that came. */
  get seen(): number {
    return this.#seen;
  }

  /** Real records that can be picked. */
  get candidates(): readonly Candidate[] {
    return this.#candidates.all;
  }

  /** The picks that are remembered. */
  get explored(): number {
    return this.#explored.length;
  }

  /** What the picks tell of the candidates. */
  get process(): CandidateProcess {
    return this.#process;
  }

  /** As that of `CandidateProcess`; undefined before anything was picked. */
  get spread(): number | undefined {
    return this.#process.spread(this.candidates);
  }

  /** Real records that a candidate stands for, of late. */
  massOf(candidate: Candidate): number {
    const cell = this.#cellOf(candidate);
    return this.#cells.massOf(cell, this.#seen) / cell.members;
  }

  /** From now on the length scale is this one; what was picked stays so. */
  useLengthScale(bandwidth: number): void {
    const picks = this.#explored.map(({ embedding, born }) => ({ embedding, noise: this.#noiseOf(born) }));
    this.#process.useLengthScale(bandwidth, picks, this.candidates);
    this.#countMembers();
  }

  /** A real record comes; `at` is its number, ascending, by which it is known to be of late. */
  add(example: Example, embedding: Float32Array, at = this.#seen + 1): Changes {
    this.#seen += 1;
    const nearest = this.#process.nearestTo(embedding);
    const cell = this.#cells.at(nearest.index);
    this.#cells.add(cell, 1, this.#seen);
    const changes = [this.#countsChange(), massChange(cell)];
    const print = printOf(embedding);
    const slot = this.#slotFor({ embedding, print, cell, nearest });
    if (slot === undefined) return changes;
    const leaving = this.#candidates.leave(slot);
    if (leaving !== undefined) this.#leftCell(this.#cellOf(leaving));
    const candidate: Candidate = { slot, example, embedding: embedding.slice(), at, print };
    this.#candidates.place(candidate);
    this.#process.place(candidate);
    cell.members += 1;
    this.#mostIn.delete(cell);
    return [...changes, [`candidate/${slot}`, storedCandidate(candidate)]];
  }

  /** A candidate is picked: its surroundings are known from now on. Before there is a length scale, nothing is. */
  explore({ example: { id }, embedding }: Candidate): Changes {
    const { posterior } = this.#process;
    if (posterior === undefined) return [];
    this.#clock += 1;
    const { inducing } = this.#options.settings;
    const isDue = this.#clock - this.#refreshed >= this.#picksBetweenRefreshes;
    const refreshed = isDue || this.#explored.length >= inducing ? this.#refresh(posterior) : [];
    const slot = freeSlot(this.#explored);
    const explored: Explored = { slot, id, embedding: embedding.slice(), born: this.#clock };
    this.#explored = [...this.#explored, explored];
    const cell = this.#cells.open(slot, this.#seen);
    const moved = this.#takeOver(explored, cell);
    return [
      ...refreshed,
      [`explored/${slot}`, storedExplored(explored)],
      ...[...moved, cell].map(massChange),
      this.#countsChange(),
    ];
  }

  /**
   * The records are others from number `from` on: those before are candidates no more, but for the newest 16, what they weighed is
   * forgotten, and all picks fade by a half-life.
   */
  reopen(from: number): Changes {
    this.#clock += Math.ceil(this.#options.settings.halfLife);
    const { posterior } = this.#process;
    const faded = posterior === undefined ? [] : this.#refresh(posterior);
    const before = this.candidates.length;
    const [enough = 0] = this.candidates
      .map(({ at }) => at)
      .sort((a, b) => b - a)
      .slice(leastCandidates - 1);
    this.#candidates.keep(({ at }) => at >= Math.min(from, enough));
    for (const candidate of this.candidates) this.#process.place(candidate);
    this.#countMembers();
    const gone = Array.from({ length: before - this.candidates.length }, (_, n) => before - 1 - n);
    return [
      ...faded,
      ...this.candidates.map((candidate) => [`candidate/${candidate.slot}`, storedCandidate(candidate)] as const),
      ...gone.map((slot) => [`candidate/${slot}`, null] as const),
      ...this.#cells.startOver(this.#seen).map(massChange),
      this.#countsChange(),
    ];
  }

  get #picksBetweenRefreshes(): number {
    const { halfLife, inducing } = this.#options.settings;
    return Math.max(1, Math.floor(Math.min(halfLife, inducing) / thinning));
  }

  /** Candidates learn of a pick, and join its cell where they are nearest to it; the cells that they left. */
  #takeOver({ embedding }: Explored, cell: Cell): readonly Cell[] {
    this.#mostIn.clear();
    const left = this.#process.observe({ embedding, noise: freshNoise }, this.candidates);
    return [...left].map(([home, members]) => {
      const before = this.#cells.at(home);
      this.#cells.move(before, cell, members, this.#seen);
      return before;
    });
  }

  /** Ages are looked at: what has faded is forgotten, and the least useful where there is no place; their mass goes to what is nearest. */
  #refresh(posterior: PosteriorVariance): Changes {
    this.#refreshed = this.#clock;
    const gone = leastUseful(this.#explored, this.#clock, this.#options.settings, () => posterior.information());
    const dropped = this.#explored.filter((_, i) => gone.has(i));
    posterior.keep(
      this.#explored.flatMap(({ born }, index) => (gone.has(index) ? [] : [{ index, noise: this.#noiseOf(born) }])),
    );
    this.#explored = this.#explored.filter((_, i) => !gone.has(i));
    const heirs = new Set<Cell>();
    for (const [i, cell] of this.#cells.drop(gone).entries()) {
      const heir = this.#cells.at(posterior.nearestTo(dropped[i]?.embedding ?? new Float32Array(0)).index);
      this.#cells.add(heir, this.#cells.massOf(cell, this.#seen), this.#seen);
      heirs.add(heir);
    }
    this.#countMembers();
    return [
      ...dropped.flatMap(({ slot }) => [[`explored/${slot}`, null] as const, [`mass/${slot}`, null] as const]),
      ...[...heirs].map(massChange),
    ];
  }

  /** Of a pick, at the time at which ages were looked at. */
  #noiseOf(born: number): number {
    return noiseAt(Math.max(0, this.#refreshed - born), this.#options.settings.halfLife);
  }

  /** Where a record comes in as a candidate; undefined where it does not. */
  #slotFor(newcomer: Newcomer): number | undefined {
    const { length } = this.candidates;
    if (length < this.#options.settings.candidates) return length;
    if (this.#candidates.hasCopy(newcomer.print) || !this.#comesIn(newcomer)) return undefined;
    const crowded = this.#cells.mostCrowded(this.#seen);
    return this.#candidates.oldest((candidate) => this.#cellOf(candidate) === crowded)?.slot;
  }

  #comesIn({ embedding, cell, nearest: { index, kernel } }: Newcomer): boolean {
    const chance = cell.members / this.#cells.massOf(cell, this.#seen);
    if (hashFloat(this.#options.seed, 'candidate', this.#seen) < chance) return true;
    const { posterior } = this.#process;
    if (posterior === undefined) return false;
    // what the nearest pick alone tells is a bound, and mostly says enough
    const bound = 1 - kernel ** 2 / (1 + posterior.noiseOf(index));
    const most = this.#mostVariance(cell);
    return bound > most && posterior.variance(embedding) > most;
  }

  #mostVariance(cell: Cell): number {
    const known = this.#mostIn.get(cell);
    if (known !== undefined) return known;
    let most = 0;
    for (const candidate of this.candidates) {
      const variance = this.#process.varianceOf(candidate);
      if (variance > most && this.#cellOf(candidate) === cell) most = variance;
    }
    this.#mostIn.set(cell, most);
    return most;
  }

  #cellOf(candidate: Candidate): Cell {
    return this.#cells.at(this.#process.homeOf(candidate));
  }

  #countMembers(): void {
    this.#mostIn.clear();
    this.#cells.count(this.candidates.map((candidate) => this.#process.homeOf(candidate)));
  }

  #leftCell(cell: Cell): void {
    cell.members -= 1;
    this.#mostIn.delete(cell);
  }

  #countsChange(): Changes[number] {
    return ['counts', { seen: this.#seen, clock: this.#clock, refreshed: this.#refreshed }];
  }
}

/** Candidates that are kept when the stream turns, at least. */
const leastCandidates = 16;

/** A record that may become a candidate, with the pick that is nearest to it. */
interface Newcomer {
  readonly embedding: Float32Array;
  readonly print: string;
  readonly cell: Cell;
  readonly nearest: NearestObservation;
}
