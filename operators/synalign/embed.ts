import { Observable, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Fields } from '../../schemas/example.js';
import type { Real } from '../../schemas/real.js';
import type { Refined } from '../../schemas/refined.js';
import type { Embedder } from '../embedder.js';
import type { Outcome } from '../flow/outcome.js';
import type { EmbeddedReal } from './embedded-real.js';
import type { EmbeddedRefined } from './embedded-refined.js';

/** What embeds, and which texts. */
export interface EmbedOptions {
  readonly embedder: Embedder;
  readonly domain: Pick<Domain, 'fields'>;
  /**
   * Embeds the draft of a refined text too, where its text is another.
   * @default false
   */
  readonly drafts?: boolean;
  /**
   * Records whose texts the embedder is given at once.
   * @default 64
   */
  readonly maxBatch?: number;
}

type Out = AnyRecord | EmbeddedReal | EmbeddedRefined;
type Embeddable = Refined | Real;

/**
 * Refined texts and real records in, the same with their embeddings out.
 *
 * Everything else is forwarded. Strictly in order. One batch is in the embedder at a time: what arrives meanwhile makes the
 * next one, so there is no waiting for a batch to fill. Keeps what waits, whose number the caller bounds. An embedder that
 * rejects, or answers with vectors of a wrong number, size or value (`operator-failed`), errors the stream.
 */
export function embed(options: EmbedOptions): OperatorFunction<AnyRecord, Outcome<AnyRecord, Out>> {
  const { embedder, domain, drafts = false, maxBatch = 64 } = options;
  if (!Number.isInteger(maxBatch) || maxBatch < 1) {
    throw new TypeError(`maxBatch: expected an integer from 1, got ${maxBatch}`);
  }
  return (source) =>
    new Observable((subscriber) => {
      /** In order of arrival; while a batch is in the embedder, its records are the first ones. */
      const waiting: AnyRecord[] = [];
      let embedding = false;
      let emitting = false;
      let sourceCompleted = false;

      function advance(): void {
        if (embedding || emitting || subscriber.closed) return;
        emitting = true;
        for (let head = waiting[0]; head !== undefined && !isEmbeddable(head); head = waiting[0]) {
          waiting.shift();
          subscriber.next(outcomeOf(head, head));
        }
        emitting = false;
        if (waiting.length > 0) embedBatch().catch((error) => subscriber.error(error));
        else if (sourceCompleted) subscriber.complete();
      }

      async function embedBatch(): Promise<void> {
        embedding = true;
        const length = batchLength(waiting, maxBatch);
        const texts = waiting.slice(0, length).flatMap((record) => (isEmbeddable(record) ? textsOf(record) : []));
        const vectors = checked(await embedder.embed(texts), texts.length, embedder);
        embedding = false;
        emitting = true;
        let used = 0;
        for (const record of waiting.splice(0, length)) {
          const own = isEmbeddable(record) ? vectors.slice(used, used + textsOf(record).length) : [];
          used += own.length;
          subscriber.next(outcomeOf(record, embedded(record, own)));
        }
        emitting = false;
        advance();
      }

      /** A record's own text first; then its draft's, where that is wanted and another. */
      function textsOf(record: Embeddable): readonly string[] {
        const text = textOf(record.fields, domain);
        if (!drafts || record.kind !== 'refined') return [text];
        const draft = textOf(record.draft.fields, domain);
        return draft === text ? [text] : [text, draft];
      }

      function embedded(record: AnyRecord, [embedding, draft = embedding]: readonly Float32Array[]): Out {
        if (embedding === undefined) return record;
        if (record.kind === 'real') return { kind: 'embedded-real', real: record, embedding };
        if (record.kind !== 'refined') return record;
        const refined: EmbeddedRefined = { ...record, embedding };
        return drafts && draft !== undefined ? { ...refined, draftEmbedding: draft } : refined;
      }

      subscriber.add(
        source.subscribe({
          next: (record) => {
            waiting.push(record);
            advance();
          },
          error: (error) => subscriber.error(error),
          complete: () => {
            sourceCompleted = true;
            advance();
          },
        }),
      );
    });
}

/** The text that stands for a record in every embedding: the domain's fields, in its order, a line break between them. */
export function textOf(fields: Fields, domain: Pick<Domain, 'fields'>): string {
  return Object.keys(domain.fields)
    .flatMap((name) => fields[name] ?? [])
    .join('\n');
}

/** How many waiting records the next batch covers: up to the last before one embeddable too many. */
function batchLength(waiting: readonly AnyRecord[], maxBatch: number): number {
  let texts = 0;
  for (const [length, record] of waiting.entries()) {
    if (isEmbeddable(record) && ++texts > maxBatch) return length;
  }
  return waiting.length;
}

function isEmbeddable(record: AnyRecord): record is Embeddable {
  return record.kind === 'refined' || record.kind === 'real';
}

function outcomeOf(input: AnyRecord, output: Out): Outcome<AnyRecord, Out> {
  return { kind: 'emitted', input, outputs: [output] };
}

function checked(
  vectors: readonly Float32Array[],
  expected: number,
  { id, dimensions }: Embedder,
): readonly Float32Array[] {
  if (vectors.length !== expected) throw wrong(id, `${vectors.length} vectors for ${expected} texts`);
  for (const vector of vectors) {
    if (vector.length !== dimensions) throw wrong(id, `a vector of ${vector.length} numbers, not ${dimensions}`);
    if (!vector.every(Number.isFinite)) throw wrong(id, 'a vector with a number that is not finite');
  }
  return vectors;
}

function wrong(embedder: string, what: string): HeadwaterError {
  return new HeadwaterError('operator-failed', `the embedder ${embedder} answered with ${what}`);
}
