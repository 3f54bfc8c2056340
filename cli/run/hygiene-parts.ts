import type { Embedder } from '../../operators/embedder.js';
import { BenchmarkIndex } from '../../operators/quality/benchmark-index.js';
import { languageDetector } from '../../operators/quality/language.js';
import type { Recipe } from '../../schemas/recipe.js';
import {
  type BenchmarkRecord,
  benchmarkFiles,
  benchmarkSha256,
  benchmarkTexts,
} from '../../streams/inputs/benchmark-texts.js';
import type { RiverParts } from '../../streams/river/parts.js';
import type { StageName } from '../../streams/river/stages.js';

/** Texts that are embedded at once. */
const batch = 256;

/** The stages that compare texts with benchmarks. */
const comparing: readonly StageName[] = ['refine', 'align'];

/**
 * The hash of the benchmark files, on which the samples depend; nothing where the recipe names none. Throws `HeadwaterError` with
 * `input-unreadable` for a file that is missing, `recipe-invalid` for a language that cannot be told.
 */
export async function hygieneIdentity(
  { steps: { decontaminate, gate } }: Recipe,
  base: string,
): Promise<{ readonly benchmarksSha256?: string }> {
  if (gate.language !== 'off') await languageDetector(gate.language);
  if (decontaminate === 'off') return {};
  return { benchmarksSha256: await benchmarkSha256(await benchmarkFiles(decontaminate.files, base)) };
}

/** What the gate needs beside the embedder: benchmarks that are read and embedded, and a detector of languages. */
export async function hygieneParts(
  { steps }: Recipe,
  base: string,
  stages: readonly StageName[],
  embedder: Embedder | undefined,
): Promise<Pick<RiverParts, 'benchmarks' | 'detectLanguage'>> {
  const { decontaminate, gate } = steps;
  const reads = decontaminate !== 'off' && stages.some((stage) => comparing.includes(stage));
  const asks = gate.language !== 'off' && stages.includes('align');
  return {
    ...(reads && { benchmarks: await openBenchmarks(decontaminate, base, embedder) }),
    ...(asks && gate.language !== 'off' && { detectLanguage: await languageDetector(gate.language) }),
  };
}

/** Reads and embeds the benchmark files: 1 s for 10,000 records with the static embedder. */
async function openBenchmarks(
  { files, grams, cosine }: Exclude<Recipe['steps']['decontaminate'], 'off'>,
  base: string,
  embedder: Embedder | undefined,
): Promise<BenchmarkIndex> {
  const records: BenchmarkRecord[] = [];
  for await (const record of benchmarkTexts(await benchmarkFiles(files, base))) records.push(record);
  const index = new BenchmarkIndex({ grams, cosine, records: records.length });
  for (let start = 0; start < records.length; start += batch) {
    const some = records.slice(start, start + batch);
    const embeddings =
      embedder === undefined || cosine === 'off' ? [] : await embedder.embed(some.map(({ texts }) => texts.join('\n')));
    for (const [place, record] of some.entries()) {
      const embedding = embeddings[place];
      index.add(embedding === undefined ? record : { ...record, embedding });
    }
  }
  return index;
}
