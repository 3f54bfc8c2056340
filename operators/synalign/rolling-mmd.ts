import { defer, map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import type { Correction } from '../../schemas/correction.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { recordId } from '../../schemas/ids.js';
import type { Sample } from '../../schemas/sample.js';
import type { Embedder } from '../embedder.js';
import type { Changes, Outcome } from '../flow/outcome.js';
import { storedCount } from '../flow/stored-count.js';
import { maxFeatureSumSize, unbiasedMmd2OfSums } from '../kernels/feature-sum.js';
import { medianHeuristic } from '../kernels/median-heuristic.js';
import { randomFeatures } from '../kernels/random-features.js';
import type { EmbeddedDraft } from '../quality/embedded-draft.js';
import type { EmbeddedReal } from './embedded-real.js';
import { EmbeddingWindow } from './embedding-window.js';

/** The two windows and how often they are compared. */
export interface RollingMmdOptions {
  /** Whose embeddings come; another id than the memory's is refused, as embeddings of two models have no distance. */
  readonly embedder: Pick<Embedder, 'id' | 'dimensions'>;
  readonly lane: number;
  /** What the operator's memory held at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Of the random frequencies. */
  readonly seed: number;
  /**
   * Embeddings in each of the two windows; the memory is 2 x window x dimensions float32 values.
   * @default 512
   */
  readonly window?: number;
  /**
   * Random Fourier frequencies; time grows with them, the estimate's error with their inverse square root.
   * @default 512
   */
  readonly frequencies?: number;
  /**
   * Samples between two corrections.
   * @default 8
   */
  readonly every?: number;
}

type In = AnyRecord | EmbeddedReal | EmbeddedDraft;
type Out = AnyRecord | EmbeddedDraft;

const defaults = { window: 512, frequencies: 512, every: 8 };
/** Real embeddings that the bandwidth is taken from, where the window has as many. */
const bandwidthPoints = 256;
/** Embeddings that each window must have before it is compared. */
const leastCompared = 8;

/**
 * Embedded samples and real records in, the samples out, with a correction after every few: how far the two are apart.
 *
 * The estimate is the unbiased squared MMD of the newest `window` samples and the newest `window` real records, over random
 * Fourier features of the RBF kernel, in O(frequencies x dimensions) a record. The bandwidth is fixed once, by the median
 * heuristic on the first min(window, 256) real records; no correction comes before that. Its sums are exact, so that the
 * corrections of a restarted operator are the same to the last bit. Rahimi and Recht 2007; Gretton et al. 2012.
 *
 * In order. Samples are forwarded, real records absorbed, everything else forwarded; a sample without an embedding is
 * forwarded and not counted. An embedding of the wrong size, or with a number that is not finite, is dead with
 * `record-invalid`. Throws `HeadwaterError` with `data-foreign` where the memory is of another embedder or window size; throws or
 * errors the stream with `record-invalid` where it is damaged.
 *
 * @example
 * ```ts
 * const compared = rollingMmd({ embedder, lane: 0, memory: new Map(), seed: 7, window: 256 });
 * const corrections = records.pipe(embed({ embedder, domain }), emitted(), compared, emitted());
 * ```
 */
export function rollingMmd(options: RollingMmdOptions): OperatorFunction<In, Outcome<In, Out>> {
  const { embedder, lane, memory, seed } = options;
  const { window, frequencies, every } = checkedSizes(options);
  const shape = `${embedder.id} ${embedder.dimensions} ${window}`;
  checkShape(memory, shape);
  const stored = storedBandwidth(memory);
  return (source) =>
    defer(() => {
      const { dimensions } = embedder;
      const synthetic = new EmbeddingWindow({ name: 'synthetic', capacity: window, dimensions, memory });
      const real = new EmbeddingWindow({ name: 'real', capacity: window, dimensions, memory });
      /** Of the embeddings in the synthetic window, by slot. */
      const ordinals = Float64Array.from({ length: window }, (_, slot) => storedCount(memory, `ordinal/${slot}`, 0));
      /** Fixed for ever once it is known. */
      let bandwidth = stored;
      let shapeStored = memory.has('shape');
      if (stored !== undefined) useBandwidth(stored);

      function useBandwidth(fixed: number): void {
        bandwidth = fixed;
        const features = randomFeatures({ dimensions, frequencies, bandwidth: fixed, seed });
        synthetic.useFeatures(features);
        real.useFeatures(features);
      }

      function enterReal(input: EmbeddedReal): Outcome<In, Out> {
        const { changes } = real.push(input.embedding);
        if (bandwidth !== undefined || real.seen < Math.min(window, bandwidthPoints)) {
          return { kind: 'absorbed', input, changes: withShape(changes) };
        }
        const fixed = medianHeuristic(real.points);
        useBandwidth(fixed);
        return { kind: 'absorbed', input, changes: withShape([...changes, ['bandwidth', fixed]]) };
      }

      function enterSample(input: Sample, embedding: Float32Array): Outcome<In, Out> {
        const { slot, changes } = synthetic.push(embedding);
        ordinals[slot] = input.ordinal;
        const correction = synthetic.seen % every === 0 ? correctionAt(input) : undefined;
        return {
          kind: 'emitted',
          input,
          outputs: correction === undefined ? [input] : [input, correction],
          changes: withShape([...changes, [`ordinal/${slot}`, input.ordinal]]),
        };
      }

      function correctionAt(newest: Sample): Correction | undefined {
        if (bandwidth === undefined || Math.min(synthetic.size, real.size) < Math.min(leastCompared, window)) return;
        const accepted = synthetic.seen;
        return {
          kind: 'correction',
          id: recordId('correction', lane, accepted),
          lane,
          accepted,
          mmd2: unbiasedMmd2OfSums(synthetic.sum, real.sum),
          bandwidth,
          frequencies,
          embedder: embedder.id,
          synthetic: {
            size: synthetic.size,
            firstOrdinal: ordinals[synthetic.oldestSlot] ?? 0,
            lastOrdinal: newest.ordinal,
          },
          real: { size: real.size, seen: real.seen },
          at: newest.createdAt,
        };
      }

      function withShape(changes: Changes): Changes {
        if (shapeStored) return changes;
        shapeStored = true;
        return [['shape', shape], ...changes];
      }

      return source.pipe(
        map((input): Outcome<In, Out> => {
          if (input.kind !== 'embedded-real' && input.kind !== 'sample') return forwarded(input);
          const { embedding } = input;
          if (embedding === undefined) return forwarded(input);
          if (!fits(embedding, dimensions)) return unfit(input, dimensions);
          return input.kind === 'sample' ? enterSample(input, embedding) : enterReal(input);
        }),
      );
    });
}

function forwarded(input: In): Outcome<In, Out> {
  return input.kind === 'embedded-real' ? { kind: 'absorbed', input } : { kind: 'emitted', input, outputs: [input] };
}

function fits(embedding: Float32Array, dimensions: number): boolean {
  return embedding.length === dimensions && embedding.every(Number.isFinite);
}

function unfit(input: Sample | EmbeddedReal, dimensions: number): Outcome<In, Out> {
  const what = input.kind === 'sample' ? `sample ${input.id}` : `real record ${input.real.id}`;
  const message = `the embedding of the ${what} is not ${dimensions} finite numbers`;
  return { kind: 'dead', input, code: 'record-invalid', message };
}

function checkedSizes(options: RollingMmdOptions): typeof defaults {
  const { window = defaults.window, frequencies = defaults.frequencies, every = defaults.every } = options;
  for (const [name, value] of Object.entries({ window, frequencies, every })) {
    const least = name === 'window' ? 2 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new TypeError(`${name}: expected an integer from ${least}, got ${value}`);
    }
  }
  if (window > maxFeatureSumSize) throw new TypeError(`window: expected at most ${maxFeatureSumSize}, got ${window}`);
  return { window, frequencies, every };
}

function checkShape(memory: ReadonlyMap<string, unknown>, shape: string): void {
  const stored = memory.get('shape');
  if (stored === undefined || stored === shape) return;
  const what = `the rolling MMD was kept for '${stored}' (embedder, dimensions, window), not for '${shape}'`;
  throw new HeadwaterError('data-foreign', `${what}: put the recipe back, or start with a new data folder`);
}

function storedBandwidth(memory: ReadonlyMap<string, unknown>): number | undefined {
  const stored = memory.get('bandwidth');
  if (stored === undefined) return undefined;
  if (typeof stored === 'number' && stored > 0 && Number.isFinite(stored)) return stored;
  throw new HeadwaterError('record-invalid', `the memory holds the bandwidth ${JSON.stringify(stored)}`);
}
