import { deflateRawSync } from 'node:zlib';

import { evidence, quoted, type Rule } from './rule.js';
import { wordsOf } from './words.js';

/** Share of a text's word characters that one repeated run of 1 to 4 words may make up. */
const mostInOneGram = 0.6;
/** A shorter text repeats words by its nature. */
const leastWords = 20;
/** Times that a text may shrink under deflate. */
const mostCompression = 5;
/** A shorter text says little by its size. */
const leastBytes = 200;
/** Characters that are looked at, from the start: what repeats itself does so from there. */
const mostRead = 100_000;

/**
 * A field that repeats itself: one character 20 times on end, one run of 1 to 4 words over 60 % of it, or a text that shrinks to a fifth.
 *
 * The share of the most frequent n-gram is a measure of Rae et al. 2021 (Gopher), the compression ratio one of Radford et al. 2022
 * (Whisper). Their bounds, made for web pages and speech, would drop one to four in a hundred word problems, which repeat words by
 * nature; these drop none of 7,473 (GSM8K) and 1 of 3,501 e-mails.
 */
export function repetition(): Rule {
  return {
    reason: 'repetition',
    form: true,
    broken: (fields) =>
      evidence(
        fields,
        (text) => found(text.slice(0, mostRead)),
        (what) => what,
      ),
  };
}

function found(text: string): string | undefined {
  return sameCharacter(text) ?? frequentGram(text) ?? compressed(text);
}

function sameCharacter(text: string): string | undefined {
  const run = /([\p{L}\p{N}])\1{19,}/u.exec(text)?.[0];
  return run === undefined ? undefined : `${quoted(run.slice(0, 1))} ${run.length} times on end`;
}

function frequentGram(text: string): string | undefined {
  const words = wordsOf(text);
  if (words.length < leastWords) return undefined;
  const all = words.reduce((sum, word) => sum + word.length, 0);
  for (let size = 1; size <= 4; size++) {
    const lengths = new Map<string, number>();
    for (let start = 0; start + size <= words.length; start++) {
      const gram = words.slice(start, start + size).join(' ');
      const length = (lengths.get(gram) ?? 0) + gram.length - size + 1;
      lengths.set(gram, length);
      if (length > mostInOneGram * all) {
        return `${quoted(gram)} in over ${Math.round(100 * mostInOneGram)} % of its text`;
      }
    }
  }
  return undefined;
}

function compressed(text: string): string | undefined {
  const bytes = Buffer.from(text);
  if (bytes.length < leastBytes) return undefined;
  const ratio = bytes.length / deflateRawSync(bytes, { level: 1 }).length;
  return ratio > mostCompression ? `a text that shrinks to 1/${ratio.toFixed(1)} when it is compressed` : undefined;
}
