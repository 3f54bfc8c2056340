import type { Changes } from '../../flow/outcome.js';

/** The real records that are nearest to one explored record; before there is any, all of them. */
export interface Cell {
  /** Of the explored record; -1 where there is none. */
  readonly slot: number;
  /** Real records that came here, of which half are forgotten in some time; as of record `at`. */
  mass: number;
  at: number;
  /** Candidates here. */
  members: number;
}

export interface CellsOptions {
  /** Of the explored records, in their order. */
  readonly slots: readonly number[];
  /** Half of a mass is forgotten in 8 times as many real records. */
  readonly candidates: number;
  /** `mass/SLOT`. */
  readonly memory: ReadonlyMap<string, unknown>;
}

/** Of the candidates: in how many times as many real records half of a mass is forgotten. */
const halfLives = 8;

/** The cells of the explored records, in their order; their masses all fade at one pace. `now` is the number of the newest real record. */
export class Cells {
  readonly #halfLife: number;
  /** Where no record was explored yet. */
  readonly #outside: Cell;
  #cells: Cell[];

  constructor({ slots, candidates, memory }: CellsOptions) {
    this.#halfLife = halfLives * candidates;
    this.#outside = restoredCell(memory, -1);
    this.#cells = slots.map((slot) => restoredCell(memory, slot));
  }

  /** Of the explored record of this index; that of none where it is -1. */
  at(index: number): Cell {
    return this.#cells[index] ?? this.#outside;
  }

  massOf({ mass, at }: Cell, now: number): number {
    return mass * 2 ** ((at - now) / this.#halfLife);
  }

  add(cell: Cell, mass: number, now: number): void {
    cell.mass = Math.max(0, this.massOf(cell, now) + mass);
    cell.at = now;
  }

  /** A cell more, behind all others. */
  open(slot: number, now: number): Cell {
    const cell: Cell = { slot, mass: 0, at: now, members: 0 };
    this.#cells.push(cell);
    return cell;
  }

  /** Members move from one cell to another, with their part of its mass. */
  move(from: Cell, to: Cell, members: number, now: number): void {
    const mass = (this.massOf(from, now) * members) / from.members;
    this.add(from, -mass, now);
    this.add(to, mass, now);
    from.members -= members;
    to.members += members;
  }

  /** Takes cells out, by the indices of their records; these, in their order. */
  drop(gone: ReadonlySet<number>): readonly Cell[] {
    const dropped = this.#cells.filter((_, i) => gone.has(i));
    this.#cells = this.#cells.filter((_, i) => !gone.has(i));
    return dropped;
  }

  /** The members are those of these indices alone. */
  count(indices: Iterable<number>): void {
    for (const cell of this.#all()) cell.members = 0;
    for (const index of indices) this.at(index).members += 1;
  }

  /** Each candidate stands for itself alone from now on; all cells. */
  startOver(now: number): readonly Cell[] {
    for (const cell of this.#all()) {
      cell.mass = cell.members;
      cell.at = now;
    }
    return this.#all();
  }

  /** The cell with the most candidates for the root of its mass: between equal shares and shares by mass. */
  mostCrowded(now: number): Cell | undefined {
    let crowded: Cell | undefined;
    let most = 0;
    for (const cell of this.#all()) {
      const crowding = cell.members / Math.sqrt(1 + this.massOf(cell, now));
      if (crowding <= most) continue;
      crowded = cell;
      most = crowding;
    }
    return crowded;
  }

  #all(): readonly Cell[] {
    return [this.#outside, ...this.#cells];
  }
}

/** What the memory must hold of a cell. */
export function massChange({ slot, mass, at }: Cell): Changes[number] {
  return [`mass/${slot}`, [mass, at]];
}

/** A cell as the memory has it, with no members yet; empty where it has none. */
function restoredCell(memory: ReadonlyMap<string, unknown>, slot: number): Cell {
  const stored = memory.get(`mass/${slot}`);
  const [mass, at] = Array.isArray(stored) ? stored : [0, 0];
  return { slot, mass: Number(mass), at: Number(at), members: 0 };
}
