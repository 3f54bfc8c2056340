/** What the events of a streamed answer have in common but for their text. */
export interface EventShape {
  /** Up to the text's opening quote, and from its closing quote on. */
  readonly before: string;
  readonly after: string;
}

/** Characters that every server writes into JSON as they are. */
const plain = /^[A-Za-z0-9 ,.]+$/;
/** What needs more than cutting to be read, or is not JSON. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings hold none
const special = /["\\\u0000-\u001f]/;

/** The shape of an event from its JSON and the text that was read from it; undefined where it is not certain. */
export function shapeOf(json: string, text: string): EventShape | undefined {
  if (!plain.test(text)) return undefined;
  const start = json.indexOf(`"${text}"`);
  if (start === -1 || json.indexOf(`"${text}"`, start + 1) !== -1) return undefined;
  return { before: json.slice(0, start + 1), after: json.slice(start + 1 + text.length) };
}

/**
 * The text of an event of that shape; undefined where only a JSON parser can tell.
 *
 * A stream has an event for each token and they differ in the text alone, so most of what their JSON costs need not be paid.
 */
export function textIn(json: string, { before, after }: EventShape): string | undefined {
  if (json.length < before.length + after.length || !json.startsWith(before) || !json.endsWith(after)) return undefined;
  const text = json.slice(before.length, json.length - after.length);
  return special.test(text) ? undefined : text;
}
