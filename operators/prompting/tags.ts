import { type Domain, titleOf } from '../../schemas/domain.js';

/** A line of a prompt that starts with a title: a context, the label and the varied values first, then the fields. */
export interface Tag {
  readonly role: 'context' | 'label' | 'vary' | 'field';
  readonly name: string;
  readonly title: string;
}

/**
 * The tags of a domain in the order of a prompt's lines: the context where texts are grounded in one, label, varied values,
 * fields. Throws a `TypeError` where two of them have the same title, since an answer could not be told apart.
 */
export function tagsOf(domain: Domain, grounded = false): readonly Tag[] {
  const tags: Tag[] = [
    ...(domain.label ? [{ role: 'label', name: domain.label.field, title: titleOf(domain.label.field) } as const] : []),
    ...Object.keys(domain.vary).map((name) => ({ role: 'vary', name, title: titleOf(name) }) as const),
    ...Object.entries(domain.fields).map(
      ([name, field]) => ({ role: 'field', name, title: titleOf(name, field) }) as const,
    ),
  ];
  const byTitle = new Map<string, Tag>();
  for (const tag of tags) {
    const other = byTitle.get(tag.title);
    if (other) throw new TypeError(`domain: '${other.name}' and '${tag.name}' both have the title '${tag.title}'`);
    byTitle.set(tag.title, tag);
  }
  if (!grounded) return tags;
  const title = contextTitle(domain);
  return [{ role: 'context', name: title, title }, ...tags];
}

/** How prompts name the text that a sample is grounded in: a title that no field, label or varied value has. */
export function contextTitle(domain: Domain): string {
  const taken = new Set(tagsOf(domain).map(({ title }) => title));
  const titles = ['Context', 'Source text', 'Reference text'];
  for (let number = 2; titles.every((title) => taken.has(title)); number++) titles.push(`Context ${number}`);
  return titles.find((title) => !taken.has(title)) ?? '';
}

/** The tags of the domain's fields, in order; there is at least one. */
export function fieldTags(tags: readonly Tag[]): readonly Tag[] {
  return tags.filter((tag) => tag.role === 'field');
}

/** Matches a tag at the start of a line; group 1 is its title. Global, so that `matchAll` finds every one. */
export function tagPattern(tags: readonly Tag[]): RegExp {
  return new RegExp(`^(${tags.map((tag) => escaped(tag.title)).join('|')}):`, 'gmu');
}

/** Matches what a conversation's answer may have for a tag at the start of a line too: one in bold, or as a heading. */
export function looseTagPattern(tags: readonly Tag[]): RegExp {
  return new RegExp(`^(?:[*_#]+ ?)?(?:${tags.map((tag) => escaped(tag.title)).join('|')})[*_]*:`, 'gmu');
}

/** A text as a part of a regular expression that matches exactly it. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
