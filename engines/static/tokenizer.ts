import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';

import { HeadwaterError } from '../../schemas/errors.js';
import { WordCache } from './word-cache.js';

const space = '\u2581';
const wordsKept = 32_768;
/** Longer ones are rare, and would fill the cache with what never comes back. */
const longestKept = 64;
const wordPattern = /\u2581*[^\u2581\n]+|\n|\u2581+/g;

/** What the word path relies on; any other tokenizer file takes the whole-text path. */
const wordwise = z.object({
  normalizer: z.object({
    type: z.literal('Sequence'),
    normalizers: z.tuple([
      z.object({ type: z.literal('Prepend'), prepend: z.literal(space) }),
      z.object({
        type: z.literal('Replace'),
        pattern: z.object({ String: z.literal(' ') }),
        content: z.literal(space),
      }),
    ]),
  }),
  pre_tokenizer: z.null(),
  model: z.object({
    type: z.literal('BPE'),
    dropout: z.null().optional(),
    continuing_subword_prefix: z.null().optional(),
    end_of_word_suffix: z.null().optional(),
    byte_fallback: z.literal(true),
    ignore_merges: z.literal(false).optional(),
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});

const addedTokens = z.object({ added_tokens: z.array(z.object({ content: z.string() })) });

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
    const added = addedTokens.parse(definition).added_tokens.map(({ content }) => content);
    if (typeof definition !== 'object' || definition === null) throw new TypeError('it is not an object');
    return { definition, tokenizer: new Tokenizer(definition, {}), added };
  } catch (cause) {
    throw new HeadwaterError('model-damaged', 'it is not a tokenizer JSON', { cause });
  }
}

function isWordwise(definition: unknown): boolean {
  const known = wordwise.safeParse(definition);
  if (!known.success) return false;
  const { vocab, merges } = known.data.model;
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  return bytes.every((byte) => Object.hasOwn(vocab, byte)) && merges.every((merge) => !reachesOverCut(merge));
}

/** Whether the token that a merge makes has a space after something else, or a line feed. */
function reachesOverCut(merge: string | readonly [string, string]): boolean {
  const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ', 2) : merge;
  return /[^\u2581]\u2581|\n/.test(left + right);
}

function unknownToken(): never {
  throw new HeadwaterError('model-damaged', 'the tokenizer made a token that its vocabulary lacks');
}
