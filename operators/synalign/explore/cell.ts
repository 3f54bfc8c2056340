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

/** Of the candidates: in how many times as many real records half of a mass is forgotten. */
const halfLives = 8;

/** The masses of cells, which all fade at one pace: `now` is the number of the newest real record. */
export class Masses {
  readonly #halfLife: number;

  constructor(candidates: number) {
    this.#halfLife = halfLives * candidates;
  }

  of({ mass, at }: Cell, now: number): number {
    return mass * 2 ** ((at - now) / this.#halfLife);
  }

  add(cell: Cell, mass: number, now: number): void {
    cell.mass = Math.max(0, this.of(cell, now) + mass);
    cell.at = now;
  }

  /** The cell with the most candidates for the root of its mass: between equal shares and shares by mass. */
  mostCrowded(cells: readonly Cell[], now: number): Cell | undefined {
    let crowded: Cell | undefined;
    let most = 0;
    for (const cell of cells) {
      const crowding = cell.members / Math.sqrt(1 + this.of(cell, now));
      if (crowding <= most) continue;
      crowded = cell;
      most = crowding;
    }
    return crowded;
  }
}

/** What the memory must hold of a cell. */
export function massChange({ slot, mass, at }: Cell): Changes[number] {
  return [`mass/${slot}`, [mass, at]];
}

/** A cell as the memory has it, with no members yet; empty where it has none. */
export function restoredCell(memory: ReadonlyMap<string, unknown>, slot: number): Cell {
  const stored = memory.get(`mass/${slot}`);
  const [mass, at] = Array.isArray(stored) ? stored : [0, 0];
  return { slot, mass: Number(mass), at: Number(at), members: 0 };
}
