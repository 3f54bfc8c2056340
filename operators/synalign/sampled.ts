import { map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Outcome } from '../flow/outcome.js';
import type { EmbeddedDraft } from '../quality/embedded-draft.js';
import type { EmbeddedReal } from './embedded-real.js';
import { type EmbeddedRefined, isEmbedded } from './embedded-refined.js';
import { sampleOf } from './sample-of.js';

type In = AnyRecord | EmbeddedReal;
type Out = In | EmbeddedDraft;

/**
 * Embedded refined texts in, samples out, each after its embedded draft where that was embedded too.
 *
 * Everything else is forwarded; in order, and nothing is kept. A refined text without an embedding errors the stream
 * (`operator-failed`), since it has been counted and must not be lost.
 */
export function sampled(): OperatorFunction<In, Outcome<In, Out>> {
  return map((input): Outcome<In, Out> => {
    if (isEmbedded(input)) return { kind: 'emitted', input, outputs: outputsOf(input) };
    if (input.kind === 'refined') {
      throw new HeadwaterError('operator-failed', `the refined text ${input.id} came without an embedding`);
    }
    return { kind: 'emitted', input, outputs: [input] };
  });
}

function outputsOf({ embedding, draftEmbedding, ...refined }: EmbeddedRefined): readonly Out[] {
  const sample = sampleOf(refined, embedding);
  if (draftEmbedding === undefined) return [sample];
  const { draft, fields } = refined;
  return [
    { kind: 'embedded-draft', id: sample.id, draft: draft.fields, refined: fields, embedding: draftEmbedding },
    sample,
  ];
}
