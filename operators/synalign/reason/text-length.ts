/** Scripts that put no space between words, whose lengths are told in characters. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/gu;
const word = /[\p{L}\p{M}\p{N}]+/gu;

/** How long texts are in their middle, as a person says it: `about 45 words`; undefined where they have no words. */
export function textLength(texts: readonly string[]): string | undefined {
  const words = middle(texts.map((text) => text.match(word)?.length ?? 0));
  const characters = middle(texts.map((text) => text.match(unspaced)?.length ?? 0));
  // More of such characters than of words: a word is a whole sentence there.
  if (characters > 2 * words) return `about ${rounded(characters)} characters`;
  return words === 0 ? undefined : `about ${rounded(words)} ${words === 1 ? 'word' : 'words'}`;
}

/** The lower one of an even number. */
function middle(counts: readonly number[]): number {
  return counts.toSorted((a, b) => a - b)[Math.floor((counts.length - 1) / 2)] ?? 0;
}

/** To steps that a reader can tell apart: 1 below 10, 5 below 50, 10 below 100, then two digits. */
function rounded(count: number): number {
  const step = count < 10 ? 1 : count < 50 ? 5 : 10 ** Math.max(1, Math.floor(Math.log10(count)) - 1);
  return Math.round(count / step) * step;
}
