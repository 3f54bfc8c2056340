import { distance } from 'fastest-levenshtein';

/** Characters of each text that are compared: at most 0.3 ms. */
const maxCharacters = 2000;

/**
 * How much of a text was rewritten: insertions, deletions and replacements of UTF-16 units, over the longer length; 0 to 1.
 *
 * Of longer texts, the first 2,000 units alone are compared.
 */
export function editDistance(before: string, after: string): number {
  if (before === after) return 0;
  const [a, b] = [before.slice(0, maxCharacters), after.slice(0, maxCharacters)];
  return distance(a, b) / Math.max(a.length, b.length, 1);
}
