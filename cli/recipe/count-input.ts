import { HeadwaterError } from '../../schemas/errors.js';
import type { InputConfig, Recipe } from '../../schemas/recipe.js';
import { readInput } from '../../streams/inputs/read-input.js';
import { type InputKind, inputKinds } from '../../streams/inputs/to-record.js';
import { leastOf, tooFew } from '../../streams/river/least-of.js';
import { sourceOf } from './dataflow.js';

/** What an input of a recipe holds, found by reading all of it. */
export interface CountedInput {
  readonly input: InputKind;
  readonly source: string;
  /** Null where it is a topic, which `check` does not read. */
  readonly read: number | null;
  readonly dead: number;
  /** What a module left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Of the first lines that are no records. */
  readonly faults: readonly string[];
  /** Why it cannot be read. */
  readonly error: string | null;
  /** Records by label, of real ones that have one. */
  readonly labels: Readonly<Record<string, number>>;
  /** Of the records' fields; null where there are none. */
  readonly meanCharacters: number | null;
}

const maxFaults = 3;

/** Reads each input of a recipe to its end. */
export async function countInputs(recipe: Recipe, dir: string): Promise<readonly CountedInput[]> {
  const counted: CountedInput[] = [];
  for (const kind of inputKinds) {
    const config = recipe.inputs[kind];
    if (config !== undefined) counted.push(await countInput(kind, config, recipe, dir));
  }
  return counted;
}

async function countInput(kind: InputKind, config: InputConfig, recipe: Recipe, base: string): Promise<CountedInput> {
  const start = { input: kind, source: sourceOf(config), dead: 0, skipped: {}, faults: [], labels: {}, error: null };
  if (typeof config === 'object' && 'topic' in config) return { ...start, read: null, meanCharacters: null };
  const input = readInput({ kind, source: config, base, domain: recipe.domain });
  const faults: string[] = [];
  const labels = new Map<string, number>();
  let characters = 0;
  let error: string | null = null;
  try {
    for await (const item of input) {
      if (item.kind === 'real' && item.label !== undefined) labels.set(item.label, (labels.get(item.label) ?? 0) + 1);
      if (item.kind !== 'dead-letter')
        characters += item.kind === 'document' ? item.text.length : lengthOf(item.fields);
      else if (faults.length < maxFaults) faults.push(item.message);
    }
  } catch (thrown) {
    if (!(thrown instanceof HeadwaterError)) throw thrown;
    error = thrown.message;
  }
  const { read, dead, skipped } = input.counts;
  if (error === null && read === 0) error = `no line of ${start.source} is usable: ${faults[0] ?? 'all were left out'}`;
  const { partitions } = recipe.topics;
  const size = { name: start.source, records: read, least: leastOf(kind, recipe), partitions };
  error ??= tooFew(size) ?? null;
  const meanCharacters = read === 0 ? null : characters / read;
  const counts = { skipped: Object.fromEntries(skipped), labels: Object.fromEntries(labels) };
  return { ...start, read, dead, ...counts, faults, error, meanCharacters };
}

function lengthOf(fields: Readonly<Record<string, string>>): number {
  return Object.values(fields).reduce((sum, text) => sum + text.length, 0);
}
