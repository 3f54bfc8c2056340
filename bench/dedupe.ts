import { parseArgs } from 'node:util';

import { type Random, randomFrom } from '../operators/kernels/random.js';
import { AcceptedMemory } from '../operators/quality/accepted-memory.js';
import { NearDuplicates } from '../operators/quality/near-duplicates.js';
import { wordGrams, wordsOf } from '../operators/quality/words.js';
import { median, printMachine, residentMiB, stopwatch, verdict } from './report.js';
import thresholds from './thresholds/dedupe.json' with { type: 'json' };

/**
 * What the check for near duplicates costs, finds and misses with very many kept texts.
 *
 * `npm run bench -- dedupe [--records N] [--pairs N]`. Texts of 100 words from a vocabulary of 20,000 with the frequencies of a
 * language are kept; then changed copies of some of them are looked up, whose Jaccard similarity is computed exactly from their sets
 * of 5-grams, and texts that are unrelated. Exits with 1 where a bound of `bench/thresholds/dedupe.json` is missed.
 */

const { values: options } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, pairs: { type: 'string', default: '20000' } },
});
const records = Number(options.records);
const pairs = Number(options.pairs);
const words = 100;
const vocabulary = 20_000;

printMachine();
const before = residentMiB();
const near = new NearDuplicates({ capacity: records });
const adding = performance.now();
for (let n = 0; n < records; n++) near.add(textOf(n));
console.log(`${records} texts kept in ${((performance.now() - adding) / 1000).toFixed(0)} s`);
const memoryMiB = residentMiB() - before;
console.log(`arrays ${(near.bytes / 2 ** 20).toFixed(0)} MiB, resident ${memoryMiB.toFixed(0)} MiB more`);

const { recall, microseconds } = lookUpCopies();
const unrelatedNamed = lookUpUnrelated();
verdict(thresholds, {
  recall,
  findMicroseconds: median(microseconds),
  memoryMiB,
  unrelatedNamed,
  restoreCpuSeconds: restoreSeconds(),
});

/** Changed copies of kept texts; found are those of which the very text, or another one, is named. */
function lookUpCopies(): { readonly recall: number; readonly microseconds: readonly number[] } {
  const random = randomFrom(2);
  const bins = new Map<number, { pairs: number; found: number }>();
  const microseconds: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const kept = textOf(random.below(records));
    const copy = changed(kept, random);
    const start = performance.now();
    const found = near.find(copy) !== undefined;
    microseconds.push(1000 * (performance.now() - start));
    const bin = Math.min(19, Math.floor(20 * jaccard(kept, copy)));
    const counts = bins.get(bin) ?? { pairs: 0, found: 0 };
    bins.set(bin, { pairs: counts.pairs + 1, found: counts.found + (found ? 1 : 0) });
  }
  for (const [bin, counts] of [...bins].sort(([a], [b]) => b - a)) {
    const range = `Jaccard ${(bin / 20).toFixed(2)} to ${((bin + 1) / 20).toFixed(2)}`;
    console.log(
      `${range}: ${counts.found} of ${counts.pairs} found (${((100 * counts.found) / counts.pairs).toFixed(1)} %)`,
    );
  }
  const wanted = [...bins].flatMap(([bin, counts]) => (bin >= 16 ? [counts] : []));
  const sum = (of: 'pairs' | 'found') => wanted.reduce((total, counts) => total + counts[of], 0);
  const sorted = microseconds.toSorted((a, b) => a - b);
  console.log(
    `a look-up: median ${median(sorted).toFixed(1)} µs, 99th percentile ${sorted[Math.floor(0.99 * pairs)]?.toFixed(0)} µs`,
  );
  return { recall: sum('found') / sum('pairs'), microseconds };
}

/** The share of new texts that are named. */
function lookUpUnrelated(): number {
  let named = 0;
  for (let n = 0; n < pairs; n++) if (near.find(textOf(records + n)) !== undefined) named += 1;
  console.log(`${named} of ${pairs} unrelated texts named`);
  return named / pairs;
}

/** How long the memory of 100,000 accepted texts with embeddings takes to come back. */
function restoreSeconds(): number {
  const shape = {
    near: 0.8,
    semantic: 0.95,
    remember: 1_000_000,
    vectors: 100_000,
    dimensions: 256,
  } as const;
  const memory = new Map<string, unknown>();
  const first = new AcceptedMemory({ ...shape, memory });
  const random = randomFrom(3);
  let bytes = 0;
  for (let n = 0; n < 100_000; n++) {
    const fields = [textOf(n)];
    const embedding = Float32Array.from({ length: shape.dimensions }, () => random.gaussian());
    for (const [key, value] of first.accept(first.sketchOf(fields, embedding))) {
      bytes += key.length + JSON.stringify(value).length;
      memory.set(key, value);
    }
  }
  console.log(`${(bytes / 100_000).toFixed(0)} bytes of state a text with its embedding`);
  const lap = stopwatch();
  new AcceptedMemory({ ...shape, memory });
  const { perSecond, cpuMsPerThousand } = lap(100_000);
  const seconds = cpuMsPerThousand / 10;
  console.log(
    `100,000 texts with embeddings restored in ${(100_000 / perSecond).toFixed(1)} s, ${seconds.toFixed(1)} s of processor time`,
  );
  return seconds;
}

function textOf(n: number): string {
  const random = randomFrom(1_000_000_007 + n);
  return Array.from({ length: words }, () => wordFrom(random)).join(' ');
}

/** A copy in which up to a tenth of the words were replaced, in runs, so that the similarity is anything from 0.4 to 1. */
function changed(text: string, random: Random): string {
  const list = text.split(' ');
  const edits = 1 + random.below(6);
  for (let edit = 0; edit < edits; edit++) list[random.below(list.length)] = wordFrom(random);
  return list.join(' ');
}

function wordFrom(random: Random): string {
  // Zipf's law: the logarithm of the rank is uniform
  return `w${Math.floor(vocabulary ** random.float()).toString(36)}`;
}

/** The exact similarity of two texts. */
function jaccard(a: string, b: string): number {
  const [left, right] = [wordGrams(wordsOf(a)), wordGrams(wordsOf(b))];
  let shared = 0;
  for (const gram of left) if (right.has(gram)) shared += 1;
  return shared / (left.size + right.size - shared);
}
