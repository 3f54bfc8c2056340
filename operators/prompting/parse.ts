import type { Fields } from '../../schemas/example.js';
import { plainText } from './plain-text.js';
import { escaped, fieldTags, type Tag, tagPattern } from './tags.js';

/** Why a text is not an item: `empty` where a field has no text, `unparsable` where a tag is missing or out of place. */
export interface ParseFailure {
  readonly reason: 'unparsable' | 'empty';
  /** For a person: which tag or field. */
  readonly detail: string;
}

export type Parsed = { readonly fields: Fields } | ParseFailure;

/**
 * A model's text, which starts after the first field's tag, to the fields of its first item.
 *
 * What follows the item is left out: everything from one of `ends` on, and from a tag on that starts another item. A tag counts
 * at the start of a line only. Values are trimmed, their inner line breaks kept. (As BARE parses, but never dropped in silence.)
 *
 * @example
 * ```ts
 * parseFields(' Lunch\nBody: At noon?\nSubject: Another', tagsOf(domain), []); // { fields: { subject: 'Lunch', body: 'At noon?' } }
 * ```
 */
export function parseFields(text: string, tags: readonly Tag[], ends: readonly string[]): Parsed {
  const order = fieldTags(tags);
  const item = withoutOpening(beforeEnd(text.replace(/\r\n?/gu, '\n'), ends), order[0]);
  const values: string[] = [];
  let start = 0;
  let end = item.length;
  for (const match of item.matchAll(tagPattern(tags))) {
    const current = order[values.length];
    const next = order[values.length + 1];
    if (match[1] === next?.title) {
      values.push(item.slice(start, match.index));
      start = match.index + match[0].length;
    } else if (startsAnother(match[1], tags, next === undefined)) {
      end = match.index;
      break;
    } else {
      return { reason: 'unparsable', detail: `'${match[0]}' inside '${current?.name}'` };
    }
  }
  values.push(item.slice(start, end));
  const missing = order[values.length];
  if (missing) return { reason: 'unparsable', detail: `no '${missing.title}:' at the start of a line` };
  return checkedFields(order, values);
}

/**
 * The same for an answer that begins with the first field's tag itself, as a chat model gives it: what it says before that
 * tag, bold tags and the code fence that it stands in are left out.
 */
export function parseAnswer(text: string, tags: readonly Tag[], ends: readonly string[]): Parsed {
  const order = fieldTags(tags);
  const titles = order.map((tag) => escaped(tag.title)).join('|');
  const plain = text
    .replace(/\r\n?/gu, '\n')
    .replace(new RegExp(`^[*_#]+ ?(${titles})(?::[*_]*|[*_]+:)`, 'gmu'), '$1:');
  const opened = new RegExp(`^${escaped(order[0]?.title ?? '')}:`, 'mu').exec(plain);
  if (opened === null) return { reason: 'unparsable', detail: `no '${order[0]?.title}:' at the start of a line` };
  const item = plain.slice(opened.index + opened[0].length);
  return parseFields(isFenced(plain.slice(0, opened.index)) ? item.replace(/\n```\s*$/u, '') : item, tags, ends);
}

/** The fields of an item from their values in the domain's order; `empty` where one says nothing. */
export function checkedFields(order: readonly Pick<Tag, 'name' | 'title'>[], values: readonly string[]): Parsed {
  const fields: Record<string, string> = {};
  for (const [index, { name, title }] of order.entries()) {
    const value = plainText(values[index] ?? '');
    if (value === '') return { reason: 'empty', detail: `nothing after '${title}:'` };
    fields[name] = value;
  }
  return { fields };
}

/** Whether a code fence opens right before the text; one that only closes it belongs to the text. */
function isFenced(before: string): boolean {
  return /^```\w*$/u.test(before.trimEnd().split('\n').at(-1) ?? '');
}

function beforeEnd(text: string, ends: readonly string[]): string {
  const found = ends.map((end) => text.indexOf(end)).filter((index) => index >= 0);
  return found.length === 0 ? text : text.slice(0, Math.min(...found));
}

/** Without the first tag, where a model that was given it as its opening repeats it. */
function withoutOpening(text: string, first: Tag | undefined): string {
  const opening = `${first?.title}:`;
  return text.trimStart().startsWith(opening) ? text.trimStart().slice(opening.length) : text;
}

/** Whether a tag begins the next item: the first field's anywhere; in the last field, its own or a leading one too. */
function startsAnother(title: string | undefined, tags: readonly Tag[], inLast: boolean): boolean {
  const order = fieldTags(tags);
  if (title === order[0]?.title) return true;
  if (!inLast) return false;
  return title === order.at(-1)?.title || tags.some((tag) => tag.role !== 'field' && tag.title === title);
}
