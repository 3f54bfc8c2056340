import { type Domain, titleOf } from '../../../schemas/domain.js';
import { cutText } from '../../prompting/cut-text.js';
import { plainText } from '../../prompting/plain-text.js';
import { tagsOf } from '../../prompting/tags.js';
import { refusal } from '../../quality/refusal.js';
import { withoutCopies } from './leak.js';
import type { NamedText } from './loose-json.js';

/** Attributes of one answer, characters of a value, and characters of a name, at most. */
const bounds = { names: 12, value: 200, name: 60 };

/** The attribute that is counted in the examples, where it is asked for: no model need be asked how long a text is. */
export const lengthName = 'length';

export interface AttributeReading {
  /** The names that were asked for, in order. */
  readonly names: readonly string[];
  /** Names that are of no attribute, as `isTaken` tells. */
  readonly domain: Domain;
  /** Texts that must not be copied. */
  readonly sources: readonly string[];
  readonly maxCopiedWords: number;
}

/**
 * The names of attributes that a domain has no field, label or varied value for, each once and on one line: those of the domain are the
 * plan's to say.
 */
export function askedNames(domain: Domain, attributes: readonly string[]): readonly string[] {
  const names = attributes.map((name) =>
    plainText(name)
      .replace(/[\s:]+/gu, ' ')
      .trim(),
  );
  return names.filter((name, index) => {
    const isTwice = names.slice(0, index).some((other) => keyOf(other) === keyOf(name));
    return !isTwice && keyOf(name) !== '' && !isTaken(domain, name);
  });
}

/** Whether a line of a prompt has this name already: that of a field, a label, a varied value or a context. */
export function isTaken(domain: Domain, name: string): boolean {
  return tagsOf(domain, true).some((tag) => [tag.name, tag.title].some((known) => keyOf(known) === keyOf(name)));
}

/** How an attribute's line starts. */
export function attributeTitle(name: string): string {
  return titleOf(name);
}

/**
 * The attributes in an answer: those asked for, in their order, then others, up to 12; none where not one of those asked for is there.
 *
 * Texts under one name are joined, each once. A value has one line of at most 200 characters without control characters; one
 * that says nothing, declines, is markup, or copies a source is left out, or cut before the copy.
 */
export function attributesIn(
  found: readonly NamedText[],
  { names, domain, sources, maxCopiedWords }: AttributeReading,
): Readonly<Record<string, string>> | undefined {
  const uncopied = withoutCopies(sources, maxCopiedWords);
  const texts = new Map<string, string[]>();
  for (const { path, text } of found) {
    const name = nameOf(path, names);
    if (name === undefined || isTaken(domain, name)) continue;
    texts.set(name, [...(texts.get(name) ?? []), text]);
  }
  const others = [...texts.keys()].filter((name) => !names.includes(name));
  const values = [...names, ...others].flatMap((name): [string, string][] => {
    const value = uncopied(joined(texts.get(name) ?? []));
    return saysSomething(name, value) ? [[name, value]] : [];
  });
  if (!values.some(([name]) => names.includes(name))) return undefined;
  return Object.fromEntries(values.slice(0, bounds.names));
}

/**
 * The lines `NAME: VALUE` of an answer by the names asked for, each the first of its name, with the first sentence of its value: tiny models
 * go on with a text of the kind.
 */
export function namedLines(answer: string, names: readonly string[]): readonly NamedText[] {
  const known = new Map(names.map((name) => [keyOf(name), name]));
  const found = new Map<string, string>();
  for (const line of answer.split(/\r\n?|\n/u)) {
    const colon = line.slice(0, 2 * bounds.name).indexOf(':');
    const name = colon < 0 ? undefined : known.get(keyOf(line.slice(0, colon)));
    if (name !== undefined && !found.has(name)) found.set(name, firstSentence(line.slice(colon + 1)));
  }
  return [...found].map(([name, text]) => ({ path: [name], text }));
}

function firstSentence(text: string): string {
  return text.split(/(?<=\S[.!?])\s+(?=\p{Lu})/u)[0] ?? '';
}

/** The innermost name that was asked for, else the innermost of all. */
function nameOf(path: readonly string[], names: readonly string[]): string | undefined {
  for (const part of path.toReversed()) {
    const asked = names.find((name) => keyOf(name) === keyOf(part));
    if (asked !== undefined) return asked;
  }
  const name = plainText(path.at(-1) ?? '')
    .replace(/[\s_:*"'`{}[\]]+/gu, ' ')
    .trim()
    .toLowerCase()
    .slice(0, bounds.name)
    .trim();
  return keyOf(name) === '' ? undefined : name;
}

/** Names are the same where their letters and digits are. */
function keyOf(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, '');
}

function joined(texts: readonly string[]): string {
  const values = texts.map((text) =>
    plainText(text.slice(0, 4 * bounds.value))
      .replace(/\s+/gu, ' ')
      .replace(/^[\s"'`*_•]+|[\s"'`*_;,.]+$/gu, ''),
  );
  const value = withoutRepeats(values.filter((each) => each !== '').join('; '));
  return cutText(value, bounds.value).trim();
}

/** `a; b; a` is `a; b`. Commas part items only where one of them comes again: else they are those of a sentence. */
function withoutRepeats(value: string): string {
  const items = distinct(value.split(/\s*;\s*/u)).map((item) => {
    const parts = item.split(/,\s+/u);
    const once = distinct(parts);
    return once.length < parts.length ? once.join(', ') : item;
  });
  return distinct(items).join('; ');
}

function distinct(items: readonly string[]): readonly string[] {
  const keys = items.map((item) => item.toLowerCase());
  return items.filter((item, index) => item !== '' && keys.indexOf(keys[index] ?? '') === index);
}

const saysNothing =
  /^(?:n\/?a|none|nil|null|unknown|unspecified|unclear|not (?:specified|applicable|given|known)|string|value|text)\.?$/iu;
/** Markup, another object, or a mark of a prompt: what an answer is made of, not what it says. */
const debris = /^[<{[]|<\/?[a-z][^<>]*>|\b(?:TEXT|EXAMPLE) (?:START|END)\b|={3}/u;
const declines = refusal();

function saysSomething(name: string, value: string): boolean {
  if (keyOf(value) === '' || keyOf(value) === keyOf(name)) return false;
  if (saysNothing.test(value) || debris.test(value)) return false;
  return declines.broken({ value }) === undefined;
}
