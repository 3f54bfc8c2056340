/** A word and where it stands. In scripts that put no space between words, each character is half a word. */
interface Word {
  readonly word: string;
  readonly at: number;
  readonly words: number;
}

const unspaced =
  '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}]';
const wordPattern = new RegExp(`(${unspaced})|(?:(?!${unspaced})[\\p{L}\\p{M}\\p{N}])+`, 'gu');

/**
 * A function that cuts a text where it begins to copy one of `sources`: to share more than `maxCopiedWords` words in a row with it.
 *
 * What stands before the copy is left, or nothing. Case, punctuation and layout do not count; shorter runs, single names among them,
 * are not found. Time: characters of the sources times words of the text.
 *
 * @example
 * ```ts
 * withoutCopies(['Shall we meet at noon by the river?'], 3)('An invitation: meet at noon by the river'); // 'An invitation'
 * ```
 */
export function withoutCopies(sources: readonly string[], maxCopiedWords: number): (text: string) => string {
  const read = sources.map((source) => inRow(wordsIn(source)));
  return (text) => {
    const words = wordsIn(text);
    for (let start = 0; start < words.length; start += 1) {
      const end = endOfRun(words, start, maxCopiedWords);
      if (end === undefined) break;
      const run = inRow(words.slice(start, end));
      if (read.some((source) => source.includes(run))) return before(text, words[start]?.at ?? 0);
    }
    return text;
  };
}

function wordsIn(text: string): readonly Word[] {
  return [...text.matchAll(wordPattern)].map((match) => ({
    word: match[0].normalize('NFKC').toLowerCase(),
    at: match.index,
    words: match[1] === undefined ? 1 : 0.5,
  }));
}

/** One past the last word of the shortest run that is longer than allowed; undefined where there are not so many words. */
function endOfRun(words: readonly Word[], start: number, most: number): number | undefined {
  let length = 0;
  for (let end = start; end < words.length; end += 1) {
    length += words[end]?.words ?? 0;
    if (length > most) return end + 1;
  }
  return undefined;
}

function inRow(words: readonly Word[]): string {
  return ` ${words.map(({ word }) => word).join(' ')} `;
}

/** Without what opens or joins the part that is cut away. */
function before(text: string, end: number): string {
  return text.slice(0, end).replace(/[\s\p{Pd}\p{Ps}\p{Pi}\p{Po}]+$/u, '');
}
