import type { Domain } from '../../../schemas/domain.js';
import type { Fields } from '../../../schemas/example.js';
import { checkedFields, type Parsed } from '../parse.js';
import { plainText } from '../plain-text.js';
import { contextTitle, fieldTags, type Tag, tagsOf } from '../tags.js';
import { isObject, jsonObjects } from './json-objects.js';
import type { Layout } from './layout.js';
import { titledLines } from './titled-lines.js';

/** The property that holds the texts of an answer with several. */
const list = 'texts';

/** Texts as JSON objects by field name, with a schema for engines that bind answers by one. */
export function json(domain: Domain): Layout {
  const order = fieldTags(tagsOf(domain));
  const lines = titledLines(domain, [], []);
  const text = (fields: Fields) =>
    JSON.stringify(Object.fromEntries(order.map(({ name }) => [name, plainText(fields[name] ?? '')])));
  const one = {
    type: 'object',
    properties: Object.fromEntries(order.map(({ name }) => [name, { type: 'string' }])),
    required: order.map(({ name }) => name),
    additionalProperties: false,
  };
  return {
    id: 'json/1',
    shown: lines.shown,
    leads: lines.leads,
    qualities: lines.qualities,
    contextTitle: contextTitle(domain),
    example: (example) => [...lines.leads(example), text(example.fields)].join('\n'),
    text,
    format: `as one JSON object with the properties ${order.map(({ name }) => `"${name}"`).join(', ')}, each a string`,
    stops: [],
    parse: (answer) => firstText(jsonObjects(answer), order),
    parts: (answer) =>
      jsonObjects(answer)
        .flatMap(texts)
        .map((object) => JSON.stringify(object)),
    schema: {
      one,
      several: {
        type: 'object',
        properties: { [list]: { type: 'array', items: one } },
        required: [list],
        additionalProperties: false,
      },
    },
  };
}

/** The first object that has the first field; where none has, the first one says what is wrong. */
function firstText(objects: readonly Readonly<Record<string, unknown>>[], order: readonly Tag[]): Parsed {
  const all = objects.flatMap(texts);
  const named = all.find((object) => order[0] !== undefined && textAs(object, order[0]) !== undefined);
  const object = named ?? all[0];
  if (object === undefined) return { reason: 'unparsable', detail: 'no JSON object' };
  const values: string[] = [];
  for (const tag of order) {
    const value = textAs(object, tag);
    if (value === undefined) return { reason: 'unparsable', detail: `no text as "${tag.name}"` };
    values.push(value);
  }
  return checkedFields(order, values);
}

/** The texts of an object with several; else the object. */
function texts(object: Readonly<Record<string, unknown>>): readonly Readonly<Record<string, unknown>>[] {
  const inside = Object.hasOwn(object, list) ? object[list] : undefined;
  return Array.isArray(inside) ? inside.filter(isObject) : [object];
}

/** A property by the field's name, or by its title; numbers and truth values as they are written. */
function textAs(object: Readonly<Record<string, unknown>>, { name, title }: Tag): string | undefined {
  const key = [name, title].find((known) => Object.hasOwn(object, known));
  const value = key === undefined ? undefined : object[key];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
