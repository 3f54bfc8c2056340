import { defer, map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../../schemas/codec.js';
import type { Domain } from '../../../schemas/domain.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { AlignStep } from '../../../schemas/steps/synalign.js';
import type { Embedder } from '../../embedder.js';
import type { Changes, Outcome } from '../../flow/outcome.js';
import { storedCount } from '../../flow/stored-count.js';
import { isZero } from '../../kernels/diversity/cosine-sum.js';
import { hashFloat } from '../../kernels/random.js';
import { type Meter, silent } from '../../meter.js';
import type { EmbeddedReal } from '../embedded-real.js';
import { type EmbeddedRefined, isEmbedded } from '../embedded-refined.js';
import { embeddingFault } from '../embedding-fault.js';
import { alignmentFeatures } from './alignment-features.js';
import { RealReference, referenceCounts } from './real-reference.js';
import { SystematicCopies } from './systematic-copies.js';
import { leastReal, type SolutionFigures, solutionFigures, WeightedTexts } from './weighted-texts.js';

/** What samples are weighted by, and how. */
export interface WeighOptions {
  /** Whose embeddings come; another id than the memory's is refused, as embeddings of two models have no distance. */
  readonly embedder: Pick<Embedder, 'id' | 'dimensions'>;
  /** With a label, texts are weighted among those of their label, against its real records. */
  readonly domain: Pick<Domain, 'label'>;
  /** What the operator's memory held at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Of the random frequencies, and of what is kept. */
  readonly seed: number;
  readonly settings: AlignStep;
  /**
   * Random Fourier frequencies; time grows with them.
   * @default 512
   */
  readonly frequencies?: number;
  /** Where the real stream is watched for a drift: after an alarm, older real records are forgotten. @default it is not watched */
  readonly drift?: WatchedDrift | undefined;
  /** Counts `weigh_without_reference`: texts of a label that no real record inside the window has. @default counts nothing */
  readonly meter?: Meter;
}

/** What is known of the drift of the real stream, by those who watch it. */
export interface WatchedDrift {
  /** Alarms so far. */
  readonly alarms: number;
  /** Real records that an alarm is raised by: the newest ones, which are of the new kind for the most part. */
  readonly window: number;
}

type Flowing = AnyRecord | EmbeddedReal;

const defaultFrequencies = 512;
/** Texts of a label that are weighted together, where there are so many labels that their parts of the buffer are smaller. */
const leastOfLabel = 64;

/**
 * Embedded texts and real records in, the same out, each text with a weight: how much of its kind the real stream has.
 *
 * In order, and nothing is held back. Weights are those under which the newest `buffer` texts have the least MMD to the newest 2,048 real
 * records (kernel mean matching with a ridge, of 1e-6 at least, and a cap, `mmdWeights`), solved on random Fourier features every `every`
 * texts from the last solution; a new text's weight is read off the solution, in which it has no part yet (`outOfSampleWeight`): one dot
 * product. They are always held against real records, never against earlier weights. The mean weight is held at 1 over some buffers, for
 * each label, so the labels keep the shares that the quota gives them; where the newest texts are all off the distribution, it is below
 * until texts like real ones come. Before there are 8 real records and 16 texts of a label, weights are 1. The bandwidth is the median
 * heuristic on real records: on the first 8, 16, ..., 256, and then fixed. After an alarm of `drift`, with the next record, only the real
 * records of its window and those that come count, and weights are solved for anew.
 *
 * `as: weights` sets the weight: importance weights. `as: accept` is Poisson sampling without replacement: each text by itself is kept with the
 * probability weight / scale, 1 at most, by a hash of the seed and its id, and weighs 1; the scale is the weight that one in ten of the buffer is
 * above, at least 1. `as: resample` is systematic resampling with replacement, of each label by itself: the weight is a whole number of copies, see
 * `SystematicCopies`. What is not kept is *dropped* as `off-distribution`. Real records, texts without an embedding,
 * and all else are forwarded; an embedding of zeros weighs 1. One of the wrong size, with a number that is not finite or a norm
 * above 1.01, is dead with `record-invalid`.
 *
 * Kept: 2,048 embeddings of real records, and `buffer` of texts (64 a label at least) with their features, 4 (dimensions + 2 frequencies)
 * bytes each. The changes of a record are one embedding, and after a solution 16 bytes a frequency. Restarts change no bit. Throws
 * `HeadwaterError` with `data-foreign` where the memory is of another embedder or other sizes; `record-invalid` where it is damaged.
 *
 * @example
 * ```ts
 * const weighed = weigh({ embedder, domain: {}, memory: new Map(), seed: 7, settings: alignStep.parse({}) });
 * const samples = records.pipe(embed({ embedder, domain }), emitted(), weighed, emitted(), sampled(), emitted());
 * ```
 */
export function weigh(options: WeighOptions): OperatorFunction<Flowing, Outcome<Flowing, Flowing>> {
  const { embedder, domain, memory, seed, settings, frequencies = defaultFrequencies, meter = silent, drift } = options;
  if (!Number.isInteger(frequencies) || frequencies < 1) {
    throw new TypeError(`frequencies: expected an integer from 1, got ${frequencies}`);
  }
  const { dimensions } = embedder;
  const { objective } = settings;
  const labels = domain.label?.values ?? [undefined];
  const capacity = Math.max(Math.min(leastOfLabel, settings.buffer), Math.ceil(settings.buffer / labels.length));
  const shape = [embedder.id, dimensions, objective, frequencies, capacity].join(' ');
  checkShape(memory, shape);
  const storedAt = storedBandwidth(memory);
  return (source) =>
    defer(() => {
      const reference = new RealReference({ dimensions, memory });
      const texts = new Map(
        labels.map((label) => {
          const name = nameOf(label);
          return [label, new WeightedTexts({ name, capacity, dimensions, settings, seed, memory })] as const;
        }),
      );
      const copies = new Map(
        labels.map((label) => [label, new SystematicCopies({ key: `${nameOf(label)}/copies`, seed, memory })] as const),
      );
      let shapeStored = memory.has('shape');
      let heeded = storedCount(memory, 'alarms', 0);
      if (storedAt !== undefined) useBandwidth(storedAt);

      function useBandwidth(bandwidth: number): Changes {
        const features = alignmentFeatures({ objective, dimensions, frequencies, bandwidth, seed });
        reference.useFeatures(features);
        return [...texts.values()].flatMap((group) => group.useFeatures(features));
      }

      /** An alarm since the last record: what came before its window is no reference any more. */
      function heedDrift(): Changes {
        if (drift === undefined || drift.alarms === heeded) return [];
        heeded = drift.alarms;
        const solutions = [...texts.values()].flatMap((group) => group.forgetSolution());
        return [['alarms', heeded], ...reference.forgetAllBut(Math.max(leastReal, drift.window)), ...solutions];
      }

      function enterReal(input: EmbeddedReal): Outcome<Flowing, Flowing> {
        const pushed = [...heedDrift(), ...reference.push(input.embedding, domain.label && input.real.label)];
        const bandwidth = reference.newBandwidth;
        if (bandwidth === undefined) return emitted(input, input, withShape(pushed));
        return emitted(input, input, withShape([...pushed, ['bandwidth', bandwidth], ...useBandwidth(bandwidth)]));
      }

      function enterText(input: EmbeddedRefined): Outcome<Flowing, Flowing> {
        const heededChanges = heedDrift();
        const label = domain.label && input.plan.label;
        const group = texts.get(label);
        const real = reference.sumOf(label);
        if (real === undefined) meter.count('weigh_without_reference', 1);
        if (group === undefined) return emitted(input, weighing(input, 1), heededChanges);
        // that of the solution which the weight is read off
        const { scale } = group;
        const { weight, changes } = group.weigh(input.embedding, real);
        return decided(input, weight, scale, [...heededChanges, ...changes]);
      }

      function decided(input: EmbeddedRefined, weight: number, scale: number, own: Changes) {
        const { kept, passed = [] } = keptWeight(input, weight, scale);
        const changes = withShape([...own, ...passed]);
        if (kept > 0 || settings.as === 'weights') return emitted(input, weighing(input, kept), changes);
        const detail = `its weight against the real records is ${weight.toFixed(3)}`;
        return { kind: 'dropped' as const, input, reason: 'off-distribution', detail, changes };
      }

      /** What a text of this weight weighs in the end; where chance makes it 0, it is dropped. */
      function keptWeight({ id, plan }: EmbeddedRefined, weight: number, scale: number) {
        if (settings.as === 'accept') return { kept: hashFloat(seed, 'weigh', id) < weight / scale ? 1 : 0 };
        const next = settings.as === 'resample' ? copies.get(domain.label && plan.label)?.of(weight) : undefined;
        return next === undefined ? { kept: weight } : { kept: next.copies, passed: next.changes };
      }

      function withShape(changes: Changes): Changes {
        if (shapeStored) return changes;
        shapeStored = true;
        return [['shape', shape], ...changes];
      }

      return source.pipe(
        map((input): Outcome<Flowing, Flowing> => {
          if (input.kind === 'embedded-real') {
            const fault = embeddingFault(input.embedding, dimensions, `real record ${input.real.id}`);
            if (fault !== undefined) return unfit(input, fault);
            return isZero(input.embedding) ? emitted(input, input) : enterReal(input);
          }
          if (!isEmbedded(input)) return emitted(input, input);
          const fault = embeddingFault(input.embedding, dimensions, `text ${input.id}`);
          if (fault !== undefined) return unfit(input, fault);
          return isZero(input.embedding) ? emitted(input, weighing(input, 1)) : enterText(input);
        }),
      );
    });
}

/** How the texts of a label stand against its real records; `label` is null where the domain has none. */
export interface WeighReport {
  readonly label: string | null;
  /** Texts that were weighed, from the first on. */
  readonly texts: number;
  /** Real records inside the window; 0 where the label is known on the other side only: its texts weigh 1. */
  readonly real: number;
  /** Of the last solution; null before there is one. */
  readonly solution: SolutionFigures | null;
}

/** What the memory of `weigh` says of each label of the domain, and of those that only real records have. */
export function weighReport(
  memory: ReadonlyMap<string, unknown>,
  domain: Pick<Domain, 'label'>,
): readonly WeighReport[] {
  const { all, byLabel } = referenceCounts(memory);
  const values: readonly (string | undefined)[] = domain.label?.values ?? [undefined];
  const onlyReal = [...byLabel.keys()].filter((label) => !values.includes(label));
  return [...values, ...onlyReal].map((label) => ({
    label: label ?? null,
    texts: storedCount(memory, `${nameOf(label)}/seen`, 0),
    real: label === undefined ? all : (byLabel.get(label) ?? 0),
    solution: solutionFigures(memory, nameOf(label)) ?? null,
  }));
}

/** Starts the keys of a label's texts. */
function nameOf(label: string | undefined): string {
  return label === undefined ? 'texts' : `texts-of/${label}`;
}

function weighing(text: EmbeddedRefined, weight: number): EmbeddedRefined {
  return { ...text, weight };
}

function emitted(input: Flowing, output: Flowing, changes: Changes = []): Outcome<Flowing, Flowing> {
  return { kind: 'emitted', input, outputs: [output], ...(changes.length > 0 && { changes }) };
}

function unfit(input: Flowing, message: string): Outcome<Flowing, Flowing> {
  return { kind: 'dead', input, code: 'record-invalid', message };
}

function checkShape(memory: ReadonlyMap<string, unknown>, shape: string): void {
  const stored = memory.get('shape');
  if (stored === undefined || stored === shape) return;
  const what = `weights were kept for '${stored}' (embedder, dimensions, objective, frequencies, buffer), not for '${shape}'`;
  throw new HeadwaterError('data-foreign', `${what}: put the recipe back, or start with a new data folder`);
}

function storedBandwidth(memory: ReadonlyMap<string, unknown>): number | undefined {
  const stored = memory.get('bandwidth');
  if (stored === undefined) return undefined;
  if (typeof stored === 'number' && stored > 0 && Number.isFinite(stored)) return stored;
  throw new HeadwaterError('record-invalid', `the memory holds the bandwidth ${JSON.stringify(stored)}`);
}
