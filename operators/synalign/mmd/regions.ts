import { z } from 'zod';

import { fromBase64, toBase64 } from '../../../schemas/codec.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import { IntegratedVariance } from '../../kernels/gaussian-process/integrated-variance.js';
import type { RandomFeatures } from '../../kernels/mmd/random-features.js';
import { type Projection, projection } from '../../kernels/wasm/projection.js';
import type { EmbeddingWindow } from './embedding-window.js';
import { type RealNote, realNote, type WindowNotes } from './window-notes.js';

/** A real record that stands for the part of the distribution around it. */
export interface Exemplar extends RealNote {
  readonly embedding: Float32Array;
  /** Of its embedding. */
  readonly features: Float64Array;
}

const most = 16;
/** Records that exemplars are to tell of. */
const evaluated = 64;
/** A record that is as close to the exemplars as this is no region of its own. */
const leastVariance = 1e-3;
const stored = z.array(realNote.extend({ embedding: z.string() }));

/**
 * Parts of the real distribution: at most 16 exemplars, the real records of a window that tell most of all others (`IntegratedVariance`).
 *
 * Under `regions` in the memory, embeddings among it: 16 x 4/3 x 4 x dimensions bytes. O(window x 64 x 16) to choose.
 */
export class Regions {
  #exemplars: readonly Exemplar[] = [];
  /** Of their embeddings, and the squares of their norms: distances are products. */
  #rows: Projection | undefined;
  #squares: readonly number[] = [];

  get exemplars(): readonly Exemplar[] {
    return this.#exemplars;
  }

  /** Those that the memory holds. Throws `HeadwaterError` with `record-invalid` where they are damaged. */
  restore(memory: ReadonlyMap<string, unknown>, features: RandomFeatures): void {
    const found = stored.safeParse(memory.get('regions') ?? []);
    if (!found.success) throw new HeadwaterError('record-invalid', 'the memory holds regions that cannot be read');
    const exemplars = found.data.map((exemplar) => {
      const embedding = fromBase64(exemplar.embedding);
      if (embedding.length === features.dimensions)
        return { ...exemplar, embedding, features: mapped(embedding, features) };
      throw new HeadwaterError('record-invalid', `the memory holds a region around ${exemplar.id} that is cut`);
    });
    this.#use(exemplars, features.dimensions);
  }

  /** Chooses exemplars among the records of the window that have a note. Returns what the memory must hold. */
  choose(window: EmbeddingWindow, notes: WindowNotes<RealNote>, features: RandomFeatures): Changes {
    const rows = Array.from({ length: window.size }, (_, slot) => slot).filter((slot) => notes.get(slot) !== undefined);
    if (rows.length === 0) return [];
    const { points } = window;
    const picks = new IntegratedVariance({
      evaluated,
      points,
      rows: Uint32Array.from(rows),
      bandwidth: features.bandwidth,
    });
    const chosen: Exemplar[] = [];
    while (chosen.length < most && picks.remaining > 0) {
      const { index, variance } = picks.next();
      if (variance < leastVariance) break;
      const note = notes.get(index);
      const start = index * points.dimensions;
      const embedding = Float32Array.from(points.data.subarray(start, start + points.dimensions));
      if (note !== undefined) chosen.push({ ...note, embedding, features: mapped(embedding, features) });
    }
    this.#use(chosen, points.dimensions);
    return [
      ['regions', chosen.map(({ features: _, embedding, ...note }) => ({ ...note, embedding: toBase64(embedding) }))],
    ];
  }

  /** The place of the exemplar that is nearest to an embedding; -1 where there are none. */
  nearest(embedding: Float32Array): number {
    const rows = this.#rows;
    if (rows === undefined) return -1;
    rows.vectors.set(embedding);
    rows.run(1);
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const [place, square] of this.#squares.entries()) {
      const distance = square - 2 * (rows.products[place] ?? 0);
      if (distance >= least) continue;
      best = place;
      least = distance;
    }
    return best;
  }

  #use(exemplars: readonly Exemplar[], dimensions: number): void {
    const matrix = new Float32Array(exemplars.length * dimensions);
    for (const [place, { embedding }] of exemplars.entries()) matrix.set(embedding, place * dimensions);
    this.#exemplars = exemplars;
    this.#squares = exemplars.map(({ embedding }) => embedding.reduce((sum, value) => sum + value * value, 0));
    this.#rows = exemplars.length === 0 ? undefined : projection(matrix, dimensions);
  }
}

function mapped(embedding: Float32Array, features: RandomFeatures): Float64Array {
  const phi = new Float64Array(2 * features.frequencies);
  features.map(embedding, phi);
  return phi;
}
