import { defer, map, type OperatorFunction } from 'rxjs';

import type { AnyRecord } from '../../schemas/codec.js';
import type { Domain } from '../../schemas/domain.js';
import { type Fields, fields as fieldsType } from '../../schemas/example.js';
import type { Refined } from '../../schemas/refined.js';
import type { Outcome } from '../flow/outcome.js';
import { type Meter, silent } from '../meter.js';
import type { EmbeddedReal } from '../synalign/embedded-real.js';
import { isEmbedded } from '../synalign/embedded-refined.js';
import { AcceptedMemory, type DuplicateRules } from './accepted-memory.js';
import type { BenchmarkIndex } from './benchmark-index.js';
import { type Finding, firstBroken } from './rule.js';
import { rulesOf, type TextRules } from './rules.js';
import { copiedExample, SeedMemory } from './seed-memory.js';

export interface GateOptions extends TextRules {
  readonly domain: Domain;
  /** Share of a text's word 5-grams that a seed may not have, in (0, 1]. */
  readonly seedOverlap: number;
  /** The entries of this gate's `changes` so far: those of the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** What counts as a duplicate of an accepted text; `off` accepts them, and remembers nothing. @default all kinds */
  readonly dedupe?: DuplicateRules | 'off';
  /** Texts that must not come up again. @default none */
  readonly benchmarks?: BenchmarkIndex | undefined;
  /** Counts `gate_seeds_missing`: texts that were judged before all the seeds of their plan had come. @default counts nothing */
  readonly meter?: Meter;
}

/** Starts the keys of the memory that are not those of the accepted texts: a seed's fields by its place. */
const seedKey = 'seed:';

/**
 * Refined texts in, those fit to be samples out; all other records pass.
 *
 * One outcome for each record, at once and in order. A seed is *absorbed*. A refined text is *emitted* as it is, or *dropped*
 * with the reason of the first rule that it breaks and the evidence as `detail`: `rulesOf`, then `seed-copy` and `example-copy`, then
 * `contaminated` (`BenchmarkIndex`), then `duplicate`, `near-duplicate` and `semantic-duplicate` (`AcceptedMemory`). What compares
 * embeddings passes a text that comes without one. Any other record is *emitted* unchanged.
 *
 * A text is compared with exactly the first `plan.seedCount` seeds, which must have come before it: then a replay judges it the same,
 * however many seeds have come since. A rule of form does not hold where more than one in ten of these seeds breaks it. In memory: the
 * seeds, and what `AcceptedMemory` keeps, under 400 MB by default. Time is linear in the text; 0.2 ms for 100 words, most of it for
 * the embedding.
 *
 * @example
 * ```ts
 * const accepted = refined.pipe(gate({ domain, seedOverlap: 0.6, memory: new Map() }), emitted());
 * ```
 */
export function gate<In extends AnyRecord | EmbeddedReal>(options: GateOptions): OperatorFunction<In, Outcome<In, In>> {
  const { domain, seedOverlap, memory, dedupe = {}, benchmarks, meter = silent } = options;
  if (!(seedOverlap > 0 && seedOverlap <= 1)) {
    throw new TypeError(`seedOverlap: expected a number in (0, 1], got ${seedOverlap}`);
  }
  const rules = rulesOf(domain, options);
  const names = Object.keys(domain.fields);

  return (records) =>
    defer(() => {
      const seeds = seedsIn(memory, new SeedMemory(rules, names[0] ?? ''));
      const accepted = dedupe === 'off' ? undefined : new AcceptedMemory({ ...dedupe, memory });

      function absorb(input: In, fields: Fields): Outcome<In, In> {
        const key = `${seedKey}${seeds.size}`;
        seeds.add(fields);
        return { kind: 'absorbed', input, changes: [[key, fields]] };
      }

      function judge(input: In, refined: Refined): Outcome<In, In> {
        if (seeds.size < refined.plan.seedCount) meter.count('gate_seeds_missing');
        const embedding = isEmbedded(refined) ? refined.embedding : undefined;
        const texts = names.map((name) => refined.fields[name] ?? '');
        const fault = faultOf(refined) ?? benchmarks?.find(texts, embedding);
        if (fault) return { kind: 'dropped', input, ...fault };
        if (accepted === undefined) return { kind: 'emitted', input, outputs: [input] };
        const sketch = accepted.sketchOf(texts, embedding);
        const duplicate = accepted.find(sketch);
        if (duplicate) return { kind: 'dropped', input, ...duplicate };
        return { kind: 'emitted', input, outputs: [input], changes: accepted.accept(sketch) };
      }

      function faultOf({ fields, plan: { seedCount, examples } }: Refined): Finding | undefined {
        const holding = rules.filter((rule) => seeds.holds(rule, seedCount));
        return (
          firstBroken(holding, fields) ??
          seeds.copied(fields, seedCount, seedOverlap) ??
          copiedExample(fields, examples, seedOverlap)
        );
      }

      return records.pipe(
        map((input): Outcome<In, In> => {
          if (input.kind === 'refined') return judge(input, input);
          if (input.kind === 'seed') return absorb(input, input.fields);
          return { kind: 'emitted', input, outputs: [input] };
        }),
      );
    });
}

function seedsIn(memory: ReadonlyMap<string, unknown>, seeds: SeedMemory): SeedMemory {
  for (let place = 0; memory.has(`${seedKey}${place}`); place += 1) {
    seeds.add(fieldsType.parse(memory.get(`${seedKey}${place}`)));
  }
  return seeds;
}
