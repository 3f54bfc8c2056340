import { defer, map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Fields } from '../../schemas/example.js';
import { recordId } from '../../schemas/ids.js';
import type { Quality } from '../../schemas/quality.js';
import type { Sample } from '../../schemas/sample.js';
import type { Embedder } from '../embedder.js';
import type { Changes, Outcome } from '../flow/outcome.js';
import { embeddingFault } from '../synalign/embedding-fault.js';
import { wordHashes } from './distinct-grams.js';
import { editDistance } from './edit-distance.js';
import type { EmbeddedDraft } from './embedded-draft.js';
import { qualityFigures, vendiOf } from './quality-figures.js';
import { type Before, QualityWindow } from './quality-window.js';
import { restoredSums, storedSums, sumsKey } from './running-diversity.js';
import { wordsOf } from './words.js';

/** What is measured, and how often. */
export interface MeasureOptions {
  /** Whose embeddings come; another id than the memory's is refused, as embeddings of two models have no cosine. */
  readonly embedder: Pick<Embedder, 'id' | 'dimensions'>;
  readonly lane: number;
  /** What the operator's memory held at the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Of the topic cells. */
  readonly seed: number;
  /**
   * Samples between two measurements.
   * @default 64
   */
  readonly every?: number;
  /**
   * The newest samples that the windowed figures are of; each new one is compared with all of them. An eigenvalue decomposition, 0.13 s
   * at 256 dimensions, comes once for each window.
   * @default 512
   */
  readonly window?: number;
  /**
   * Samples after which one weighs half in the decayed figures.
   * @default 256
   */
  readonly halfLife?: number;
}

type In = AnyRecord | EmbeddedDraft;
type Out = AnyRecord;

/** Before the first full interval there is a measurement at each power of two from here. */
const first = 8;
/** A draft is followed by its sample at once: more than these mean that samples are held back elsewhere. */
const maxDrafts = 64;

/**
 * Embedded samples in, the same out, with a `quality` record after every few: how diverse they are.
 *
 * Mean pairwise cosine (of all, of the newest `window`, and decayed), nearest neighbours, Vendi score, participation ratio, distinct-n,
 * coverage, and what refining did to diversity where an `embedded-draft` came before its sample. BARE §4.1; `docs/metrics.md`.
 *
 * In order. Drafts are absorbed, samples and everything else forwarded; a sample without an embedding is forwarded and not counted. An
 * embedding of the wrong size, with a number that is not finite or a norm above 1.01, is dead with `record-invalid`. Kept: the window (`QualityWindow`)
 * and two sums, of which the memory has a copy for each measurement, so that a restarted operator gives the same figures to the last
 * bit. Throws `HeadwaterError` with `data-foreign` where the memory is of another embedder, window or half-life; throws or errors the
 * stream with `record-invalid` where it is damaged.
 *
 * @example
 * ```ts
 * const measured = measure({ embedder, lane: 0, memory: new Map(), seed: 7, every: 32 });
 * const figures = samples.pipe(measured, emitted(), filter(({ kind }) => kind === 'quality'));
 * ```
 */
export function measure(options: MeasureOptions): OperatorFunction<In, Outcome<In, Out>> {
  const { embedder, lane, memory, seed } = options;
  const { every, window, halfLife } = checkedSizes(options);
  const { dimensions } = embedder;
  const shape = `${embedder.id} ${dimensions} ${window} ${halfLife}`;
  checkShape(memory, shape);
  return (source) =>
    defer(() => {
      const newest = new QualityWindow({ capacity: window, dimensions, seed, memory });
      const sums = restoredSums(memory, dimensions, halfLife);
      for (const embedding of newest.newest(newest.seen - sums.seen)) addToSums(embedding);
      /** Of samples that have not come yet, by their ids. */
      const drafts = new Map<string, EmbeddedDraft>();
      let vendi = storedVendi(memory);
      let shapeStored = memory.has('shape');

      function addToSums(embedding: Float32Array): void {
        sums.total.add(embedding);
        sums.decayed.add(embedding);
      }

      function enterDraft(input: EmbeddedDraft): Outcome<In, Out> {
        drafts.set(input.id, input);
        const [oldest] = drafts.size > maxDrafts ? drafts.keys() : [];
        if (oldest !== undefined) drafts.delete(oldest);
        return { kind: 'absorbed', input };
      }

      function enterSample(input: Sample, embedding: Float32Array): Outcome<In, Out> {
        const before = beforeOf(drafts.get(input.id), embedding);
        drafts.delete(input.id);
        const words = wordHashes(wordsOf(Object.values(input.fields).join('\n')));
        const { ordinal, label } = input;
        const changes: Changes = withShape(newest.push({ ordinal, embedding, words, label, before }));
        addToSums(embedding);
        if (!isDue(newest.seen, every)) return { kind: 'emitted', input, outputs: [input], changes };
        if (newest.seen >= vendiDue()) vendi = { score: vendiOf(newest), accepted: newest.seen };
        const checkpoint: Changes = [
          [sumsKey, storedSums(newest.seen, sums)],
          ['vendi', vendi],
        ];
        return { kind: 'emitted', input, outputs: [input, qualityAt(input)], changes: [...changes, ...checkpoint] };
      }

      /** Once a window; while it fills for the first time, whenever it has doubled. */
      function vendiDue(): number {
        return vendi.accepted + Math.min(vendi.accepted, window);
      }

      function qualityAt(sample: Sample): Quality {
        return {
          kind: 'quality',
          id: recordId('quality', lane, newest.seen),
          lane,
          accepted: newest.seen,
          embedder: embedder.id,
          ...qualityFigures(newest, sums),
          vendi,
          at: sample.createdAt,
        };
      }

      function withShape(changes: Changes): Changes {
        if (shapeStored) return changes;
        shapeStored = true;
        return [['shape', shape], ...changes];
      }

      return source.pipe(
        map((input): Outcome<In, Out> => {
          if (input.kind !== 'embedded-draft' && input.kind !== 'sample') {
            return { kind: 'emitted', input, outputs: [input] };
          }
          const { embedding } = input;
          if (embedding === undefined) return forwarded(input);
          const fault = embeddingFault(embedding, dimensions, `${input.kind} ${input.id}`);
          if (fault !== undefined) return { kind: 'dead', input, code: 'record-invalid', message: fault };
          return input.kind === 'sample' ? enterSample(input, embedding) : enterDraft(input);
        }),
      );
    });
}

function isDue(seen: number, every: number): boolean {
  return seen % every === 0 || (seen < every && seen >= first && Number.isInteger(Math.log2(seen)));
}

function beforeOf(draft: EmbeddedDraft | undefined, embedding: Float32Array): Before | undefined {
  if (draft === undefined) return undefined;
  const [before, after] = [textOf(draft.draft, draft.refined), textOf(draft.refined, draft.refined)];
  // one array where nothing changed, so that it is kept once
  return { embedding: before === after ? embedding : draft.embedding, editDistance: editDistance(before, after) };
}

/** The fields in the order of the refined text's. */
function textOf(fields: Fields, order: Fields): string {
  return Object.keys(order)
    .map((name) => fields[name] ?? '')
    .join('\n');
}

function storedVendi(memory: ReadonlyMap<string, unknown>): Quality['vendi'] {
  const stored = memory.get('vendi');
  if (stored === undefined) return { score: 0, accepted: 0 };
  if (typeof stored === 'object' && stored !== null) {
    const { score, accepted } = stored as Partial<Record<keyof Quality['vendi'], unknown>>;
    if (typeof score === 'number' && typeof accepted === 'number') return { score, accepted };
  }
  throw new HeadwaterError('record-invalid', `the memory holds the Vendi score ${JSON.stringify(stored)}`);
}

function forwarded(input: Sample | EmbeddedDraft): Outcome<In, Out> {
  return input.kind === 'sample' ? { kind: 'emitted', input, outputs: [input] } : { kind: 'absorbed', input };
}

function checkedSizes({ every = 64, window = 512, halfLife = 256 }: MeasureOptions) {
  for (const [name, value] of Object.entries({ every, window })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TypeError(`${name}: expected an integer from 1, got ${value}`);
  }
  if (every > window) throw new TypeError(`every: expected at most the window of ${window}, got ${every}`);
  if (window > maxWindow) throw new TypeError(`window: expected at most ${maxWindow}, got ${window}`);
  return { every, window, halfLife };
}

/** As many as sums are exact for. */
const maxWindow = 2 ** 17;

function checkShape(memory: ReadonlyMap<string, unknown>, shape: string): void {
  const stored = memory.get('shape');
  if (stored === undefined || stored === shape) return;
  const what = `diversity was measured for '${stored}' (embedder, dimensions, window, half-life), not for '${shape}'`;
  throw new HeadwaterError('data-foreign', `${what}: put the recipe back, or start with a new data folder`);
}
