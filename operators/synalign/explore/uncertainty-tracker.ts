import { HeadwaterError } from '../../../schemas/errors.js';
import type { Example } from '../../../schemas/plan.js';
import type { ExploreStep } from '../../../schemas/steps/synalign.js';
import type { Changes } from '../../flow/outcome.js';
import { dotOfFirst } from '../../kernels/dot.js';
import { PosteriorVariance } from '../../kernels/gaussian-process/posterior-variance.js';
import { rbf } from '../../kernels/mmd/rbf.js';
import { hashFloat } from '../../kernels/random.js';
import { squaredDistanceOf } from '../../kernels/vector-distance.js';
import {
  type Candidate,
  type Explored,
  freeSlot,
  printOf,
  restoredCounts,
  restoredRecords,
  spreadOfOpen,
  storedCandidate,
  storedExplored,
} from './candidate.js';
import { CandidateSlots } from './candidate-slots.js';
import { type Cell, Masses, massChange, restoredCell } from './cell.js';
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
 * A record costs O(m d), with O(m^2) where it may come in. Memory: candidates x (8 m + 4 d) bytes and their texts, and m (4 d + 4 m) bytes, with
 * m = `inducing`, rounded up to a power of 2. All of it follows from its memory to the last bit.
 */
export class UncertaintyTracker {
  readonly #options: UncertaintyTrackerOptions;
  readonly #candidates = new CandidateSlots();
  /** In the order of their picks, as the process has them. */
  #explored: readonly Explored[] = [];
  /** Of each explored record. */
  #cells: Cell[] = [];
  /** Where no record was explored yet. */
  readonly #outside: Cell;
  readonly #masses: Masses;
  /** The greatest variance of the candidates of a cell, where it was asked for since they changed. */
  readonly #mostIn = new Map<Cell, number>();
  #process: PosteriorVariance | undefined;
  /** Records so far. */
  #seen: number;
  /** Picks so far; it jumps where all is to be uncertain again. */
  #clock: number;
  /** The time of the ages that the noises are of. */
  #refreshed: number;

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor(options: UncertaintyTrackerOptions) {
    const { memory, dimensions } = options;
    this.#options = options;
    const counts = restoredCounts(memory, 'counts');
    this.#seen = counts.seen;
    this.#clock = counts.clock;
    this.#refreshed = counts.refreshed;
    const { candidates, explored } = restoredRecords(memory, dimensions);
    for (const candidate of candidates) this.#candidates.place(candidate);
    this.#explored = explored;
    this.#masses = new Masses(options.settings.candidates);
    this.#cells = this.#explored.map(({ slot }) => restoredCell(memory, slot));
    this.#outside = restoredCell(memory, -1);
    if (!this.#candidates.isWhole) {
      throw new HeadwaterError('record-invalid', 'the memory of the exploration lacks a candidate');
    }
    for (const candidate of this.candidates) this.#cellOf(candidate).members += 1;
  }

  /** Records that came. */
  get seen(): number {
    return this.#seen;
  }

  /** Real records that can be picked; of each, the projection has the variance. */
  get candidates(): readonly Candidate[] {
    return this.#candidates.all;
  }

  /** The picks that are remembered. */
  get explored(): number {
    return this.#explored.length;
  }

  /** How far the variances of what was not picked are apart; undefined before anything was picked. */
  get spread(): number | undefined {
    return this.#explored.length === 0 ? undefined : spreadOfOpen(this.candidates);
  }

  /** Real records that a candidate stands for, of late. */
  massOf(candidate: Candidate): number {
    const cell = this.#cellOf(candidate);
    return this.#masses.of(cell, this.#seen) / cell.members;
  }

  /** Of the process at two candidates, given what was picked; 0 before there is a length scale. O(m + dimensions). */
  covariance(a: Candidate, b: Candidate): number {
    if (this.#process === undefined || a.projection === undefined || b.projection === undefined) return 0;
    const prior = rbf(squaredDistanceOf(a.embedding, b.embedding), this.#process.bandwidth);
    return prior - dotOfFirst(a.projection.values, b.projection.values, a.projection.size);
  }

  /** From now on the length scale is this one; what was picked stays so. */
  useLengthScale(bandwidth: number): void {
    this.#process = new PosteriorVariance({ dimensions: this.#options.dimensions, bandwidth });
    this.#rebuild(this.#process);
  }

  /** A real record comes. */
  add(example: Example, embedding: Float32Array): Changes {
    this.#seen += 1;
    const { index = -1, squaredDistance = 0 } = this.#process?.nearest(embedding) ?? {};
    const cell = this.#cells[index] ?? this.#outside;
    this.#masses.add(cell, 1, this.#seen);
    const changes = [this.#countsChange(), massChange(cell)];
    const print = printOf(embedding);
    const slot = this.#slotFor({ embedding, print, cell, index, squaredDistance });
    if (slot === undefined) return changes;
    const leaving = this.#candidates.leave(slot);
    if (leaving !== undefined) this.#leftCell(this.#cellOf(leaving));
    const candidate: Candidate = {
      slot,
      example,
      embedding: embedding.slice(),
      at: this.#seen,
      print,
      projection: this.#process?.project(embedding),
    };
    this.#candidates.place(candidate);
    cell.members += 1;
    this.#mostIn.delete(cell);
    return [...changes, [`candidate/${slot}`, storedCandidate(candidate)]];
  }

  /** A candidate is picked: its surroundings are known from now on. Before there is a length scale, nothing is. */
  explore({ example: { id }, embedding }: Candidate): Changes {
    const process = this.#process;
    if (process === undefined) return [];
    this.#clock += 1;
    const { inducing } = this.#options.settings;
    const isDue = this.#clock - this.#refreshed >= this.#picksBetweenRefreshes;
    const refreshed = isDue || this.#explored.length >= inducing ? this.#refresh(process) : [];
    const slot = freeSlot(this.#explored);
    const explored: Explored = { slot, id, embedding: embedding.slice(), born: this.#clock };
    const cell: Cell = { slot, mass: 0, at: this.#seen, members: 0 };
    this.#explored = [...this.#explored, explored];
    this.#cells.push(cell);
    process.add(explored.embedding, freshNoise);
    const moved = this.#takeOver(process, cell);
    return [
      ...refreshed,
      [`explored/${slot}`, storedExplored(explored)],
      ...[...moved, cell].map(massChange),
      this.#countsChange(),
    ];
  }

  /** All that was picked fades by a half-life: the records are others now. */
  reopen(): Changes {
    this.#clock += Math.ceil(this.#options.settings.halfLife);
    const changes = this.#process === undefined ? [] : this.#refresh(this.#process);
    return [...changes, this.#countsChange()];
  }

  get #picksBetweenRefreshes(): number {
    const { halfLife, inducing } = this.#options.settings;
    return Math.max(1, Math.floor(Math.min(halfLife, inducing) / thinning));
  }

  /** Candidates learn of the newest pick, and join its cell where they are nearest to it; the cells that they left. */
  #takeOver(process: PosteriorVariance, cell: Cell): Iterable<Cell> {
    const left = new Map<Cell, number>();
    this.#mostIn.clear();
    for (const { embedding, projection } of this.candidates) {
      if (projection === undefined) continue;
      const before = this.#cells[projection.nearest] ?? this.#outside;
      process.extend(projection, embedding);
      if (this.#cells[projection.nearest] === cell) left.set(before, (left.get(before) ?? 0) + 1);
    }
    for (const [before, count] of left) {
      const mass = (this.#masses.of(before, this.#seen) * count) / before.members;
      this.#masses.add(before, -mass, this.#seen);
      this.#masses.add(cell, mass, this.#seen);
      before.members -= count;
      cell.members += count;
    }
    return left.keys();
  }

  /** Ages are looked at: what has faded is forgotten, and the least useful where there is no place; their mass goes to what is nearest. */
  #refresh(process: PosteriorVariance): Changes {
    this.#refreshed = this.#clock;
    const { settings } = this.#options;
    const gone = leastUseful(this.#explored, this.#clock, settings, () => process.information());
    const cells = this.#cells;
    const dropped = this.#explored.flatMap((one, i) => (gone.has(i) ? [{ ...one, cell: cells[i] }] : []));
    this.#explored = this.#explored.filter((_, i) => !gone.has(i));
    this.#cells = cells.filter((_, i) => !gone.has(i));
    this.#rebuild(process);
    const heirs = dropped.flatMap(({ embedding, cell }) => {
      if (cell === undefined) return [];
      const heir = this.#cells[process.nearest(embedding).index] ?? this.#outside;
      this.#masses.add(heir, this.#masses.of(cell, this.#seen), this.#seen);
      return [heir];
    });
    return [
      ...dropped.flatMap(({ slot }) => [[`explored/${slot}`, null] as const, [`mass/${slot}`, null] as const]),
      ...[...new Set(heirs)].map(massChange),
    ];
  }

  /** The process as the picks and their ages have it, and what each candidate is to it. */
  #rebuild(process: PosteriorVariance): void {
    const { halfLife } = this.#options.settings;
    process.rebuild(
      this.#explored.map(({ embedding, born }) => {
        const age = Math.max(0, this.#refreshed - born);
        return { point: embedding, noise: noiseAt(age, halfLife) };
      }),
    );
    this.#mostIn.clear();
    for (const cell of [this.#outside, ...this.#cells]) cell.members = 0;
    for (const candidate of this.candidates) {
      candidate.projection = process.project(candidate.embedding);
      this.#cellOf(candidate).members += 1;
    }
  }

  /** Where a record comes in as a candidate; undefined where it does not. */
  #slotFor(newcomer: Newcomer): number | undefined {
    const { length } = this.candidates;
    if (length < this.#options.settings.candidates) return length;
    if (this.#candidates.hasCopy(newcomer.print) || !this.#comesIn(newcomer)) return undefined;
    const crowded = this.#masses.mostCrowded([this.#outside, ...this.#cells], this.#seen);
    return this.#candidates.oldest((candidate) => this.#cellOf(candidate) === crowded)?.slot;
  }

  #comesIn({ embedding, cell, index, squaredDistance }: Newcomer): boolean {
    const chance = cell.members / this.#masses.of(cell, this.#seen);
    if (hashFloat(this.#options.seed, 'candidate', this.#seen) < chance) return true;
    const process = this.#process;
    if (process === undefined) return false;
    // what the nearest pick alone tells is a bound, and mostly says enough
    const bound = 1 - rbf(squaredDistance, process.bandwidth) ** 2 / (1 + process.noiseOf(index));
    const most = this.#mostVariance(cell);
    return bound > most && process.variance(embedding) > most;
  }

  #mostVariance(cell: Cell): number {
    const known = this.#mostIn.get(cell);
    if (known !== undefined) return known;
    let most = 0;
    for (const candidate of this.candidates) {
      const variance = candidate.projection?.variance ?? 1;
      if (variance > most && this.#cellOf(candidate) === cell) most = variance;
    }
    this.#mostIn.set(cell, most);
    return most;
  }

  #cellOf({ projection }: Candidate): Cell {
    return this.#cells[projection?.nearest ?? -1] ?? this.#outside;
  }

  #leftCell(cell: Cell): void {
    cell.members -= 1;
    this.#mostIn.delete(cell);
  }

  #countsChange(): Changes[number] {
    return ['counts', { seen: this.#seen, clock: this.#clock, refreshed: this.#refreshed }];
  }
}

/** A record that may become a candidate, with the pick that is nearest to it. */
interface Newcomer {
  readonly embedding: Float32Array;
  readonly print: string;
  readonly cell: Cell;
  readonly index: number;
  readonly squaredDistance: number;
}
