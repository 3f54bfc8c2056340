import { type Domain, titleOf } from '../../../schemas/domain.js';
import type { Fields } from '../../../schemas/example.js';
import type { Attributes, Plan } from '../../../schemas/plan.js';
import { type Parsed, parseAnswer, parseFields } from '../parse.js';
import { plainText } from '../plain-text.js';
import { contextTitle, escaped, fieldTags, looseTagPattern, tagsOf } from '../tags.js';
import { endOfExample, type Leads } from './layout.js';

/** Texts as lines that start with `Title:`, between markers of whoever uses it. */
export interface TitledLines {
  readonly contextTitle: string;
  /** The titles of the fields as a conversation names them: `"Subject:", then "Body:"`. */
  readonly namedTitles: string;
  readonly shown: (text: string) => string;
  readonly leads: (of: Leads) => readonly string[];
  readonly qualities: (of: Attributes | undefined) => readonly string[];
  readonly context: (document: Plan['document']) => readonly string[];
  /** A text that is to be gone on with: all that the plan says of it, and the title of its first field. */
  readonly opening: (plan: Pick<Plan, 'label' | 'vary' | 'document' | 'attributes'>) => string;
  readonly fields: (fields: Fields) => readonly string[];
  readonly parse: (answer: string) => Parsed;
  readonly parseRaw: (text: string, grounded: boolean) => Parsed;
}

/**
 * `markers` never stand in a value: they are shown in lower case; and a line of a value that starts with a title is shown indented by
 * a space, where parsing does not see it. `ends` are those of them that end an answer.
 */
export function titledLines(domain: Domain, markers: readonly string[], ends: readonly string[]): TitledLines {
  const tags = tagsOf(domain);
  const grounded = tagsOf(domain, true);
  const fields = fieldTags(tags);
  const title = contextTitle(domain);
  const markerPattern = new RegExp([...markers, endOfExample].map(escaped).join('|'), 'gu');
  const shown = (text: string) =>
    plainText(text)
      .replace(markerPattern, (marker) => marker.toLowerCase())
      .replace(looseTagPattern(grounded), ' $&');

  const onOneLine = (text: string) => shown(text).replace(/\s+/gu, ' ');

  const leads = (of: Leads) =>
    tags.flatMap((tag) => {
      const value = tag.role === 'label' ? of.label : tag.role === 'vary' ? of.vary[tag.name] : undefined;
      return value === undefined ? [] : [`${tag.title}: ${onOneLine(value)}`];
    });
  const qualities = (of: Attributes | undefined) =>
    Object.entries(of?.values ?? {}).map(([name, value]) => `${onOneLine(titleOf(name))}: ${onOneLine(value)}`);
  const context = (document: Plan['document']) => (document === undefined ? [] : [`${title}: ${shown(document.text)}`]);

  return {
    contextTitle: title,
    namedTitles: fields.map((tag) => `"${tag.title}:"`).join(', then '),
    shown,
    leads,
    qualities,
    context,
    opening: (plan) =>
      [...context(plan.document), ...leads(plan), ...qualities(plan.attributes), `${fields[0]?.title ?? ''}:`].join(
        '\n',
      ),
    fields: (values) => fields.map((tag) => `${tag.title}: ${shown(values[tag.name] ?? '')}`.trimEnd()),
    parse: (answer) => parseAnswer(answer, tags, ends),
    parseRaw: (text, isGrounded) => parseFields(text, isGrounded ? grounded : tags, ends),
  };
}
