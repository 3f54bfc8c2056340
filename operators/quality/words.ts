/** The words of a text: runs of letters and digits in lower case, in compatibility form, so that layout does not count. */
export function wordsOf(text: string): readonly string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}

/** The distinct runs of `size` words; a shorter text is one run, a text without words none. */
export function wordGrams(words: readonly string[], size = 5): ReadonlySet<string> {
  const grams = new Set<string>();
  for (let start = 0; start + size <= words.length; start += 1) grams.add(words.slice(start, start + size).join(' '));
  if (grams.size === 0 && words.length > 0) grams.add(words.join(' '));
  return grams;
}
