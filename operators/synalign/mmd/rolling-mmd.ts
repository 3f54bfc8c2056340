import { defer, map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../../schemas/codec.js';
import type { Domain } from '../../../schemas/domain.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Sample } from '../../../schemas/sample.js';
import type { Embedder } from '../../embedder.js';
import type { Changes, Outcome } from '../../flow/outcome.js';
import { isZero } from '../../kernels/diversity/cosine-sum.js';
import { maxFeatureSumSize } from '../../kernels/mmd/feature-sum.js';
import type { EmbeddedDraft } from '../../quality/embedded-draft.js';
import type { EmbeddedReal } from '../embedded-real.js';
import { embeddingFault } from '../embedding-fault.js';
import { checkDrift, type DriftOptions } from './drift-options.js';
import { RollingComparison } from './rolling-comparison.js';

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
  /**
   * How it is watched whether the real stream drifts; memory grows by the reference's embeddings.
   * @default 'off'
   */
  readonly drift?: DriftOptions | 'off';
  /** Told how many alarms of a drift there were: when it begins, and with each one. @default nobody is */
  readonly alarmed?: (alarms: number) => void;
  /**
   * The chance that samples like the real records are called different before the reference changes: each one is tested anew.
   * @default 0.05
   */
  readonly alpha?: number;
  /**
   * Whose fields, in their order, are shown of an exemplar.
   * @default all fields
   */
  readonly domain?: Pick<Domain, 'fields'>;
}

type In = AnyRecord | EmbeddedReal | EmbeddedDraft;
type Out = AnyRecord | EmbeddedDraft;

const defaults = { window: 512, frequencies: 512, every: 8 };
const defaultAlpha = 0.05;

/**
 * Embedded samples and real records in, the samples out, with a correction after every few: how and where the two differ.
 *
 * The estimate is the unbiased squared MMD of the newest `window` samples and the newest `window` real records, over random
 * Fourier features of the RBF kernel, in O(frequencies x dimensions) a record. The bandwidth is fixed once and for ever, by the median
 * heuristic on the first min(window, 256) real records; no correction comes before that. Where the real stream has 32 at least and pauses for
 * 32 samples, as a short file does at its end, it is taken from the first half of them, 32 at least. Rahimi and Recht 2007; Gretton et al. 2012.
 *
 * A correction carries the witness, mean features of the real window less those of the synthetic one, over the first 512 frequencies at
 * most; its value at up to 16 exemplars, with the shares of both windows around them; shares by label; the mean witness of the samples by
 * value of an attribute; the drift of the real stream (see `CalibratedWatch` and `NewmaWatch`), and whether samples differ from real
 * records at all (see `EqualityWatch`). At most 16 KB. Without a frozen reference, exemplars are chosen anew every `window` real records.
 * After an alarm the reference is taken anew, the test of equality starts over, and the next sample brings a correction.
 *
 * Sums are exact, and all is decided by the seed and the order of records, so that the corrections of a restarted operator are the same to the
 * last bit. Memory: two windows of embeddings and, to spare time, 8 x 2 x frequencies bytes for each of the newest of both, 32 MB at most a window.
 *
 * In order. Samples are forwarded, real records absorbed, everything else forwarded; a sample without an embedding is
 * forwarded and not counted, and so are samples and real records whose embedding is zero: their text has no token. An embedding of the wrong size,
 * with a number that is not finite or a norm above 1.01, is dead with `record-invalid`. Throws `HeadwaterError` with `data-foreign` where the
 * memory is of another embedder or window size; throws or errors the stream with `record-invalid` where it is damaged.
 *
 * @example
 * ```ts
 * const compared = rollingMmd({ embedder, lane: 0, memory: new Map(), seed: 7, window: 256 });
 * const corrections = records.pipe(embed({ embedder, domain }), emitted(), compared, emitted());
 * ```
 */
export function rollingMmd(options: RollingMmdOptions): OperatorFunction<In, Outcome<In, Out>> {
  const { embedder, lane, memory, seed, drift = 'off', alpha = defaultAlpha, domain, alarmed } = options;
  const { window, frequencies, every } = checkedSizes(options);
  if (!(alpha > 0 && alpha < 1)) throw new TypeError(`alpha: expected a number between 0 and 1, got ${alpha}`);
  if (drift !== 'off') checkDrift(drift, window);
  const shape = `${embedder.id} ${embedder.dimensions} ${window}`;
  checkShape(memory, shape);
  const stored = storedBandwidth(memory);
  return (source) =>
    defer(() => {
      const { dimensions } = embedder;
      const settings = { embedder, lane, seed, window, frequencies, every, drift, alpha, domain };
      const comparison = new RollingComparison(settings, memory, stored);
      let shapeStored = memory.has('shape');
      alarmed?.(comparison.alarms);

      function enterReal(input: EmbeddedReal): Outcome<In, Out> {
        const { alarms } = comparison;
        const changes = withShape(comparison.addReal(input.real, input.embedding));
        if (comparison.alarms !== alarms) alarmed?.(comparison.alarms);
        return { kind: 'absorbed', input, changes };
      }

      function enterSample(input: Sample, embedding: Float32Array): Outcome<In, Out> {
        const { changes, correction } = comparison.addSample(input, embedding);
        const outputs: readonly Out[] = correction === undefined ? [input] : [input, correction];
        return { kind: 'emitted', input, outputs, changes: withShape(changes) };
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
          const fault = embeddingFault(embedding, dimensions, nameOf(input));
          if (fault !== undefined) return { kind: 'dead', input, code: 'record-invalid', message: fault };
          if (isZero(embedding)) return forwarded(input);
          return input.kind === 'sample' ? enterSample(input, embedding) : enterReal(input);
        }),
      );
    });
}

function forwarded(input: In): Outcome<In, Out> {
  return input.kind === 'embedded-real' ? { kind: 'absorbed', input } : { kind: 'emitted', input, outputs: [input] };
}

function nameOf(input: Sample | EmbeddedReal): string {
  return input.kind === 'sample' ? `sample ${input.id}` : `real record ${input.real.id}`;
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
