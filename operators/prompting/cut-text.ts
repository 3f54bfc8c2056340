/**
 * A text of at most `limit` UTF-16 units: cut behind a sentence where one ends in the second half, else between words, and never within
 * what a reader sees as one character. Shorter ones stay as they are.
 */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = text.slice(0, limit);
  // One character more tells whether a sentence or word ends with the last one.
  const within = text.slice(0, limit + 1);
  const least = Math.floor(limit / 2);
  const end = lastEnd(within, sentenceEnd, least) ?? lastEnd(within, wordEnd, least);
  return end === undefined ? head.slice(0, characterEnd(text, limit)) : head.slice(0, end);
}

/** Full stops with what closes quotes and brackets, before white space; those of East Asia, before anything; ends of lines. */
const sentenceEnd = /(?:[.!?…]["'”’»)\]]*(?=\s)|[。！？]["”’」』）]*|(?=\n))/gu;
const wordEnd = /(?<=\S)(?=\s)/gu;

function lastEnd(text: string, pattern: RegExp, least: number): number | undefined {
  let last: number | undefined;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (end >= least && end < text.length) last = end;
  }
  return last;
}

const characters = new Intl.Segmenter('und', { granularity: 'grapheme' });
/** Units that no character of a real script is longer than. */
const longestCharacter = 64;

/** The last place up to `limit` that is not within a character. */
function characterEnd(text: string, limit: number): number {
  const from = Math.max(0, limit - longestCharacter);
  let end = from;
  for (const { index } of characters.segment(text.slice(from, limit + longestCharacter))) {
    if (from + index <= limit) end = from + index;
  }
  // A character longer than that is cut between code points.
  if (end === from) end = limit;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}
