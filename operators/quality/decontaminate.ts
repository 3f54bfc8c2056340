import { concatMap, map, type OperatorFunction } from 'rxjs';

import type { Domain } from '../../schemas/domain.js';
import type { Draft } from '../../schemas/draft.js';
import type { Embedder } from '../embedder.js';
import type { Outcome } from '../flow/outcome.js';
import { textOf } from '../synalign/embed.js';
import type { BenchmarkIndex } from './benchmark-index.js';

export interface DecontaminateOptions {
  readonly benchmarks: BenchmarkIndex;
  readonly domain: Pick<Domain, 'fields'>;
  /** Embeds the drafts, where the benchmarks have embeddings to compare with. @default drafts are compared by their words alone */
  readonly embedder?: Embedder | undefined;
}

/**
 * Drafts in, those out that no benchmark holds, so that nothing is paid for one that a gate would drop.
 *
 * In order, one at a time; nothing is kept. What shares 13 words in a row with a benchmark, or has the embedding of one of its
 * records, is *dropped* as `contaminated`, with the words and the record as `detail`. An embedder that rejects errors the stream.
 *
 * @example
 * ```ts
 * const benchmarks = new BenchmarkIndex({ records: 1 });
 * benchmarks.add({ source: 'test.jsonl line 1', texts: [question, answer] });
 * const clean = drafts.pipe(decontaminate({ benchmarks, domain }), emitted());
 * ```
 */
export function decontaminate({
  benchmarks,
  domain,
  embedder,
}: DecontaminateOptions): OperatorFunction<Draft, Outcome<Draft, Draft>> {
  const names = Object.keys(domain.fields);

  function judged(input: Draft, embedding?: Float32Array): Outcome<Draft, Draft> {
    const texts = names.map((name) => input.fields[name] ?? '');
    const found = benchmarks.find(texts, embedding);
    return found === undefined ? { kind: 'emitted', input, outputs: [input] } : { kind: 'dropped', input, ...found };
  }

  if (embedder === undefined || !benchmarks.comparesEmbeddings) return map((draft) => judged(draft));
  return concatMap(async (draft) => {
    const [embedding] = await embedder.embed([textOf(draft.fields, domain)]);
    return judged(draft, embedding);
  });
}
