import { Tokenizer } from '@huggingface/tokenizers';

import { HeadwaterError } from '../../schemas/errors.js';
import { WordCache } from './word-cache.js';

const space = '\u2581';
const wordsKept = 32_768;
/** Longer ones are rare, and would fill the cache with what never comes back. */
const longestKept = 64;
const wordPattern = /\u2581*[^\u2581\n]+|\n|\u2581+/g;

/** What the word path relies on, by path; any other tokenizer file takes the whole-text path. */
const relied: readonly (readonly [path: string, ...allowed: unknown[]])[] = [
  ['normalizer.type', 'Sequence'],
  ['normalizer.normalizers.length', 2],
  ['normalizer.normalizers.0.type', 'Prepend'],
  ['normalizer.normalizers.0.prepend', space],
  ['normalizer.normalizers.1.type', 'Replace'],
  ['normalizer.normalizers.1.pattern.String', ' '],
  ['normalizer.normalizers.1.content', space],
  ['pre_tokenizer', null],
  ['model.type', 'BPE'],
  ['model.dropout', null, undefined],
  ['model.continuing_subword_prefix', null, undefined],
  ['model.end_of_word_suffix', null, undefined],
  ['model.byte_fallback', true],
  ['model.ignore_merges', false, undefined],
];

/**
 * Texts to token ids without special tokens, word by word through a bounded cache where that is provably the same as the
 * whole text at once, and the whole text otherwise.
 *
 * It is the same for byte-pair encoding when no merge makes a token that reaches over a cut: merges on both sides of it then
 * never meet, and the order among those of one side does not change. The cuts are before a run of spaces that follows
 * something else, and around a line feed.
 */
export class WordTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #words = new WordCache(wordsKept);
  readonly #wordwise: boolean;
  readonly #added: readonly string[];

  /** Throws `HeadwaterError` with code `model-damaged` where the JSON is not a tokenizer. */
  constructor(json: string) {
    const parsed = parse(json);
    this.#tokenizer = parsed.tokenizer;
    this.#wordwise = isWordwise(parsed.definition);
    this.#added = parsed.added;
  }

  /** One past the highest id. */
  get size(): number {
    return this.#tokenizer.model?.vocab.length ?? 0;
  }

  /** Words in the cache. */
  get kept(): number {
    return this.#words.size;
  }

  ids(text: string): readonly number[] {
    // A special token inside a text is cut out of it before the text is normalised.
    if (!this.#wordwise || this.#added.some((token) => text.includes(token))) return this.wholeIds(text);
    if (text === '') return [];
    const ids: number[] = [];
    for (const word of (space + text.replaceAll(' ', space)).match(wordPattern) ?? []) {
      for (const id of this.#wordIds(word)) ids.push(id);
    }
    return ids;
  }

  /** The ids without words or cache, which `ids` equals. */
  wholeIds(text: string): readonly number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  #wordIds(word: string): readonly number[] {
    const kept = this.#words.get(word);
    if (kept !== undefined) return kept;
    const model = this.#tokenizer.model;
    // The model itself, since the tokenizer around it would put another space before each word.
    const ids =
      model === null
        ? []
        : model.encode([word]).map((token: string) => model.tokens_to_ids.get(token) ?? unknownToken());
    if (word.length <= longestKept) this.#words.set(word, ids);
    return ids;
  }
}

interface Parsed {
  readonly definition: unknown;
  readonly tokenizer: Tokenizer;
  readonly added: readonly string[];
}

function parse(json: string): Parsed {
  try {
    const definition: unknown = JSON.parse(json);
    if (typeof definition !== 'object' || definition === null) throw new TypeError('it is not an object');
    return { definition, tokenizer: new Tokenizer(definition, {}), added: addedTokens(definition) };
  } catch (cause) {
    throw new HeadwaterError('model-damaged', 'it is not a tokenizer JSON', { cause });
  }
}

function addedTokens(definition: object): readonly string[] {
  const added: unknown = Reflect.get(definition, 'added_tokens');
  if (!Array.isArray(added)) throw new TypeError('it has no added_tokens');
  return added.map((token) => {
    const content = at(token, 'content');
    if (typeof content !== 'string') throw new TypeError('an added token has no content');
    return content;
  });
}

/** By hand: a schema of the library would look at 90,000 tokens and merges for longer than the tokenizer takes to read them. */
function isWordwise(definition: unknown): boolean {
  if (!relied.every(([path, ...allowed]) => allowed.includes(at(definition, path)))) return false;
  const vocab = at(definition, 'model.vocab');
  const merges = at(definition, 'model.merges');
  if (typeof vocab !== 'object' || vocab === null || !Array.isArray(merges)) return false;
  if (!Object.values(vocab).every(Number.isSafeInteger)) return false;
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  return bytes.every((byte) => Object.hasOwn(vocab, byte)) && merges.every((merge) => staysWithinCuts(merge));
}

function at(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

/** Whether the token that a merge makes has no space after something else, and no line feed. */
function staysWithinCuts(merge: unknown): boolean {
  const pair: unknown = typeof merge === 'string' ? merge.split(' ', 2) : merge;
  if (!Array.isArray(pair) || pair.length > 2) return false;
  const [left = '', right = '']: readonly unknown[] = pair;
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  const token = left + right;
  let start = 0;
  while (token[start] === space) start += 1;
  return !token.includes(space, start) && !token.includes('\n');
}

function unknownToken(): never {
  throw new HeadwaterError('model-damaged', 'the tokenizer made a token that its vocabulary lacks');
}
