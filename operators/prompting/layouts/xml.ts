import { type Domain, titleOf } from '../../../schemas/domain.js';
import type { Fields } from '../../../schemas/example.js';
import type { Attributes } from '../../../schemas/plan.js';
import { checkedFields, type Parsed } from '../parse.js';
import { plainText } from '../plain-text.js';
import { contextTitle, fieldTags, type Tag, tagsOf } from '../tags.js';
import { endOfExample, type Leads, type RawLayout } from './layout.js';

/**
 * One element for each field inside an element for the example, for able models: they keep apart what they write and what
 * stands around it. Of a value, only `<` before a name of this layout is written as `&lt;`; HTML and code stay as they are.
 */
export function xml(domain: Domain): RawLayout {
  const elements = elementsOf(domain);
  const { order, example: wrapper, context, attributes, leads } = elements;
  const { shown, unshown } = neutralising(elements);
  const first = order[0]?.name ?? '';
  const element = (name: string, text: string) => `<${name}>${text}</${name}>`;
  const fieldLines = (fields: Fields) => order.map(({ name }) => element(name, shown(fields[name] ?? '')));
  const leadValues = (of: Leads) =>
    leads.flatMap(({ tag, name }) => {
      const value = tag.role === 'label' ? of.label : of.vary[tag.name];
      return value === undefined ? [] : [{ title: tag.title, name, value: shown(value).replace(/\s+/gu, ' ') }];
    });

  const qualities = (of: Attributes | undefined) =>
    Object.entries(of?.values ?? {}).map(([name, value]) => shown(`${titleOf(name)}: ${value}`).replace(/\s+/gu, ' '));

  function parse(answer: string): Parsed {
    const read = valuesOf(answer, order, wrapper);
    return 'detail' in read ? read : checkedFields(order, read.map(plainText).map(unshown));
  }

  return {
    id: 'xml/1',
    shown,
    leads: (of) => leadValues(of).map(({ title, value }) => `${title}: ${value}`),
    qualities,
    contextTitle: contextTitle(domain),
    example: (example) =>
      [
        `<${wrapper}>`,
        ...leadValues(example).map(({ name, value }) => element(name, value)),
        ...fieldLines(example.fields),
        `</${wrapper}>`,
      ].join('\n'),
    text: (fields) => fieldLines(fields).join('\n'),
    format: `as one element for each field, in this order: ${order.map(({ name }) => element(name, '...')).join(' ')}`,
    stops: [`</${wrapper}>`],
    parse,
    parts: (answer) => answer.split(new RegExp(`${endOfExample}|</${wrapper}>`, 'u')),
    rawStops: [`</${wrapper}>`, `<${wrapper}>`],
    opened: (plan) => ({
      shared: `<${wrapper}>\n`,
      own: [
        ...(plan.document === undefined ? [] : [element(context, shown(plan.document.text))]),
        ...leadValues(plan).map(({ name, value }) => element(name, value)),
        ...(plan.attributes === undefined ? [] : [element(attributes, qualities(plan.attributes).join('\n'))]),
        `<${first}>`,
      ].join('\n'),
    }),
    parseRaw: (text) => parse(text.trimStart().startsWith(`<${first}>`) ? text : `<${first}>${text}`),
  };
}

interface Elements {
  /** The fields, by their names. */
  readonly order: readonly Tag[];
  readonly leads: readonly { readonly tag: Tag; readonly name: string }[];
  readonly example: string;
  readonly context: string;
  /** Nothing that is read has it: it need not be made harmless. */
  readonly attributes: string;
}

/** No two elements have the same name, whatever the domain's names are. */
function elementsOf(domain: Domain): Elements {
  const tags = tagsOf(domain);
  const taken = new Set(Object.keys(domain.fields));
  const unused = (name: string) => {
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${name}_${number}`;
    taken.add(free);
    return free;
  };
  const leads = tags.filter(({ role }) => role !== 'field').map((tag) => ({ tag, name: unused(tag.name) }));
  const [example, context, attributes] = [unused('example'), unused('context'), unused('attributes')];
  return { order: fieldTags(tags), leads, example, context, attributes };
}

/**
 * A value without tags of the layout, and back: `<name>` is shown as `&lt;name>`, and what looks so already gets one more `amp;`, so
 * that nothing is lost.
 */
function neutralising({ order, leads, example, context }: Elements) {
  const names = [...order, ...leads].map(({ name }) => name);
  const tag = `/?(?:${[...names, example, context].join('|')})\\s*>`;
  const raw = new RegExp(`<(?=${tag})|&(?=(?:amp;)*lt;${tag})`, 'gu');
  const written = new RegExp(`&lt;(?=${tag})|&amp;(?=(?:amp;)*lt;${tag})`, 'gu');
  return {
    shown: (text: string) =>
      plainText(text)
        .replace(raw, (found) => (found === '<' ? '&lt;' : '&amp;'))
        .replaceAll(endOfExample, endOfExample.toLowerCase()),
    unshown: (text: string) => text.replace(written, (found) => (found === '&lt;' ? '<' : '&')),
  };
}

/** The texts of the elements, in order; the last may lack its end, and the others theirs before the next begins. */
function valuesOf(
  answer: string,
  order: readonly Tag[],
  wrapper: string,
): readonly string[] | Exclude<Parsed, { fields: Fields }> {
  const values: string[] = [];
  let at = answer.indexOf(`<${order[0]?.name}>`);
  for (const [index, { name }] of order.entries()) {
    const opening = `<${name}>`;
    if (at < 0 || !answer.startsWith(opening, at)) {
      return { reason: 'unparsable', detail: `no '${opening}' where it belongs` };
    }
    const start = at + opening.length;
    const next = order[index + 1]?.name;
    const ends = [
      `</${name}>`,
      `<${order[0]?.name}>`,
      `</${wrapper}>`,
      `<${wrapper}>`,
      ...(next === undefined ? [] : [`<${next}>`]),
    ]
      .map((end) => ({ end, index: answer.indexOf(end, start) }))
      .filter((found) => found.index >= 0)
      .sort((a, b) => a.index - b.index);
    const [nearest] = ends;
    values.push(answer.slice(start, nearest?.index));
    if (next === undefined) break;
    at = nearest === undefined ? -1 : nearest.index;
    if (nearest?.end === `</${name}>`) at += nearest.end.length;
    while (at >= 0 && /\s/u.test(answer[at] ?? '')) at += 1;
  }
  return values;
}
