/** Characters of the name and of the value of an attribute, as corrections have them. */
export const attributeLength = 60;

/** The start of a text, in one line, without half of a character: at most `length` characters. */
export function shortened(text: string, length: number): string {
  if (text.length <= length && !/^\s|\s$|\s\s|[^\S ]|[\uD800-\uDBFF]$/.test(text)) return text;
  const line = text
    .slice(0, 4 * length)
    .replace(/[\uD800-\uDBFF]$/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= length ? line : [...line].slice(0, length).join('');
}

/** Whether a shortened text is all of it for sure. */
export function isWhole(line: string, length: number): boolean {
  return [...line].length < length;
}
