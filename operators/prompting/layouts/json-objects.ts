/**
 * The JSON objects in a text, in order, with those inside others left out; prose and code fences around them do not matter.
 *
 * An object that is cut off counts as prose, so that those inside it are found. One pass over the text, whatever it holds.
 */
export function jsonObjects(text: string): readonly Readonly<Record<string, unknown>>[] {
  return rangesOf(text)
    .map(([start, end]) => objectIn(text.slice(start, end)))
    .filter((found) => found !== undefined);
}

type Range = readonly [start: number, end: number];

/** Where braces match, without the ranges inside others. Quotes count between braces only: prose has apostrophes. */
function rangesOf(text: string): readonly Range[] {
  const open: number[] = [];
  const closed: Range[] = [];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') {
      quoted = open.length > 0;
    } else if (character === '{') {
      open.push(at);
    } else if (character === '}') {
      const start = open.pop();
      if (start === undefined) continue;
      for (let last = closed.at(-1); last !== undefined && last[0] > start; last = closed.at(-1)) closed.pop();
      closed.push([start, at + 1]);
    }
  }
  return closed;
}

function objectIn(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value is an object of properties, not null and not a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
