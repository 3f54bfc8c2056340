import type { Fields } from '../../schemas/example.js';

/** Something that an accepted text must not show. */
export interface Rule {
  /** In kebab-case: the reason under which a text is dropped. */
  readonly reason: string;
  /** Whether it is about form, so that it does not hold in a domain whose seeds show the same. */
  readonly form: boolean;
  /** The evidence, for a person; undefined where the fields keep the rule. */
  readonly broken: (fields: Fields) => string | undefined;
}

/** A rule broken by a text. */
export interface Finding {
  readonly reason: string;
  readonly detail: string;
}

/** The first of the rules that the fields break. */
export function firstBroken(rules: readonly Rule[], fields: Fields): Finding | undefined {
  for (const rule of rules) {
    const detail = rule.broken(fields);
    if (detail !== undefined) return { reason: rule.reason, detail };
  }
  return undefined;
}

/** A rule against what a pattern finds first in a field. */
export function inAnyField(
  reason: string,
  form: boolean,
  pattern: RegExp,
  shown: (found: string) => string = quoted,
): Rule {
  return { reason, form, broken: (fields) => evidence(fields, (text) => pattern.exec(text)?.[0], shown) };
}

/** What `find` sees first in the fields, with the field's name. */
export function evidence(
  fields: Fields,
  find: (text: string) => string | undefined,
  shown: (found: string) => string = quoted,
): string | undefined {
  for (const [name, text] of Object.entries(fields)) {
    const found = find(text);
    if (found !== undefined) return `'${name}' has ${shown(found)}`;
  }
  return undefined;
}

/** The first 80 characters in quotes, on one line. */
export function quoted(text: string): string {
  // cut before it is split into characters: a text may be long
  const characters = [...text.trim().slice(0, 200)];
  return JSON.stringify(characters.length > 80 ? `${characters.slice(0, 80).join('')}…` : characters.join(''));
}
