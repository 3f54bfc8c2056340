import { createHash } from 'node:crypto';
import { defer, map, type OperatorFunction } from 'rxjs';
import type { AnyRecord } from '../../schemas/codec.js';
import type { Domain } from '../../schemas/domain.js';
import { type Fields, fields as fieldsType } from '../../schemas/example.js';
import type { Refined } from '../../schemas/refined.js';
import type { Changes, Outcome } from '../flow/outcome.js';
import { type Meter, silent } from '../meter.js';
import { Newest } from './newest.js';
import { type Finding, firstBroken, rulesOf } from './rules.js';
import { SeedMemory } from './seed-memory.js';

export interface GateOptions {
  readonly domain: Domain;
  /** Share of a text's word 5-grams that a seed may not have, in (0, 1]. */
  readonly seedOverlap: number;
  /** The entries of this gate's `changes` so far: those of the last commit. */
  readonly memory: ReadonlyMap<string, unknown>;
  /** Accepted texts that a new one is compared with for equality, the newest ones; about 100 bytes each. @default 1,000,000 */
  readonly remember?: number;
  /** Counts `gate_seeds_missing`: texts that were judged before all the seeds of their plan had come. @default counts nothing */
  readonly meter?: Meter;
}

/** Keys of the memory: a seed's fields by its place, and an accepted text's number by its hash. */
const seedKey = 'seed:';
const acceptedKey = 'accepted:';

/**
 * Refined texts in, those fit to be samples out; all other records pass.
 *
 * One outcome for each record, at once and in order. A seed is *absorbed*. A refined text is *emitted* as it is, or *dropped*
 * with the reason of the first rule that it breaks (`rulesOf`), `seed-copy` or `duplicate`, and the evidence as `detail`.
 * Any other record is *emitted* unchanged. A text is compared with exactly the first `plan.seedCount` seeds, which must
 * have come before it: then a replay judges it the same, however many seeds have come since. A rule of form does not hold
 * where more than one in ten of these seeds breaks it. In memory: the seeds, and `remember` hashes (53 bits) of accepted texts.
 *
 * @example
 * ```ts
 * const accepted = refined.pipe(gate({ domain, seedOverlap: 0.6, memory: new Map() }), emitted());
 * ```
 */
export function gate<In extends AnyRecord>(options: GateOptions): OperatorFunction<In, Outcome<In, In>> {
  const { domain, seedOverlap, memory, remember = 1_000_000, meter = silent } = options;
  if (!(seedOverlap > 0 && seedOverlap <= 1)) {
    throw new TypeError(`seedOverlap: expected a number in (0, 1], got ${seedOverlap}`);
  }
  if (!Number.isInteger(remember) || remember < 1) {
    throw new TypeError(`remember: expected an integer of at least 1, got ${remember}`);
  }
  const rules = rulesOf(domain);

  return (records) =>
    defer(() => {
      const seeds = seedsIn(memory, new SeedMemory(rules, Object.keys(domain.fields)[0] ?? ''));
      const accepted = new Newest(remember, acceptedIn(memory));

      function absorb(input: In, fields: Fields): Outcome<In, In> {
        const key = `${seedKey}${seeds.size}`;
        seeds.add(fields);
        return { kind: 'absorbed', input, changes: [[key, fields]] };
      }

      function judge(input: In, refined: Refined): Outcome<In, In> {
        if (seeds.size < refined.plan.seedCount) meter.count('gate_seeds_missing');
        const hash = hashOf(Object.keys(domain.fields).map((name) => refined.fields[name] ?? ''));
        const finding = fault(refined) ?? (accepted.has(hash) ? duplicate : undefined);
        if (finding) return { kind: 'dropped', input, ...finding };
        return { kind: 'emitted', input, outputs: [input], changes: accept(hash) };
      }

      function fault({ fields, plan: { seedCount } }: Refined): Finding | undefined {
        const holding = rules.filter((rule) => seeds.holds(rule, seedCount));
        return firstBroken(holding, fields) ?? seeds.copied(fields, seedCount, seedOverlap);
      }

      function accept(hash: string): Changes {
        const { number, removed } = accepted.add(hash);
        return [[`${acceptedKey}${hash}`, number], ...removed.map((old) => [`${acceptedKey}${old}`, null] as const)];
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

const duplicate: Finding = { reason: 'duplicate', detail: 'an accepted text is the same but for case and white space' };

/** 53 bits over the texts, whatever their case and white space. Of a million texts, one in 10^10 meets an unrelated one. */
function hashOf(texts: readonly string[]): string {
  const canonical = JSON.stringify(
    texts.map((text) => text.normalize('NFKC').toLowerCase().trim().replace(/\s+/gu, ' ')),
  );
  const digest = createHash('sha256').update(canonical).digest();
  return (digest.readBigUInt64BE() >> 11n).toString(36);
}

function seedsIn(memory: ReadonlyMap<string, unknown>, seeds: SeedMemory): SeedMemory {
  for (let place = 0; memory.has(`${seedKey}${place}`); place += 1) {
    seeds.add(fieldsType.parse(memory.get(`${seedKey}${place}`)));
  }
  return seeds;
}

function* acceptedIn(memory: ReadonlyMap<string, unknown>): Iterable<readonly [string, number]> {
  for (const [key, number] of memory) {
    if (key.startsWith(acceptedKey) && typeof number === 'number') yield [key.slice(acceptedKey.length), number];
  }
}
