import type { Document } from '../../schemas/document.js';
import type { Domain } from '../../schemas/domain.js';
import type { Origin } from '../../schemas/example.js';
import type { Given } from '../../schemas/given.js';
import { recordId } from '../../schemas/ids.js';
import type { Real } from '../../schemas/real.js';
import type { Seed } from '../../schemas/seed.js';

/** The inputs that files and modules can be read into, by their name in a recipe. */
export interface InputRecords {
  readonly seeds: Seed;
  readonly real: Real;
  readonly documents: Document;
  readonly drafts: Given;
}

export type InputKind = keyof InputRecords;

export const inputKinds = ['seeds', 'real', 'documents', 'drafts'] as const satisfies readonly InputKind[];
/** Where an input's records lie, unless the recipe names another topic of ours. */
export const inputTopics: Readonly<Record<InputKind, string>> = {
  seeds: 'seeds',
  real: 'real',
  documents: 'documents',
  drafts: 'given',
};

/** Where an object stands in its input: part of its id, so that equal lines stay two records. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Why an object is not a record, in a sentence that goes on from `file:line:`. */
export class Misfit extends Error {}

/** The keys that an input's objects may have, the required ones first. */
export function keysOf(kind: InputKind, domain: Domain): readonly string[] {
  if (kind === 'documents') return ['text', 'title'];
  const label = domain.label === undefined ? [] : [domain.label.field];
  return [...Object.keys(domain.fields), ...label, ...(kind === 'real' ? [] : Object.keys(domain.vary))];
}

/** The keys among them that an object must have: only seeds need a label. */
export function requiredKeys(kind: InputKind, { fields, label }: Domain): readonly string[] {
  if (kind === 'documents') return ['text'];
  return [...Object.keys(fields), ...(kind === 'seeds' && label !== undefined ? [label.field] : [])];
}

/**
 * An object of an input as its record; numbers and booleans become texts, other keys are left out. The id is a hash of what
 * is kept and of the place. Throws a `Misfit`.
 */
export function toRecord<K extends InputKind>(kind: K, value: unknown, domain: Domain, place: Place): InputRecords[K];
export function toRecord(kind: InputKind, value: unknown, domain: Domain, place: Place): InputRecords[InputKind] {
  const object = asObject(value);
  const origin: Origin = { file: place.file, line: place.line };
  if (kind === 'documents') return toDocument(object, place, origin);

  const fields: Record<string, string> = {};
  for (const name of Object.keys(domain.fields)) fields[name] = required(object, name);
  const label = labelOf(kind, object, domain);
  const labelled = label === undefined ? {} : { label };
  const causes = [...Object.values(fields), label ?? '', place.file, place.line];
  if (kind === 'real') return { kind: 'real', id: recordId('real', ...causes), fields, ...labelled, origin };

  const vary: Record<string, string> = {};
  for (const name of Object.keys(domain.vary)) {
    const text = optional(object, name);
    if (text !== undefined) vary[name] = text;
  }
  const name = kind === 'seeds' ? 'seed' : 'given';
  return { kind: name, id: recordId(name, JSON.stringify(vary), ...causes), fields, ...labelled, vary, origin };
}

function toDocument(object: object, place: Place, origin: Origin): Document {
  const text = required(object, 'text');
  const title = optional(object, 'title');
  const id = recordId('document', text, title ?? '', place.file, place.line);
  return { kind: 'document', id, text, ...(title === undefined ? {} : { title }), origin };
}

function labelOf(kind: InputKind, object: object, { label }: Domain): string | undefined {
  if (label === undefined) return undefined;
  const given = kind === 'seeds' ? required(object, label.field) : optional(object, label.field);
  if (kind !== 'real' && given !== undefined && !label.values.includes(given)) {
    throw new Misfit(`'${label.field}' is '${given.slice(0, 60)}': expected ${label.values.join(' or ')}`);
  }
  return given;
}

function asObject(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Misfit(`expected an object, such as {"field": "text"}, but it is ${describe(value)}`);
}

function required(object: object, name: string): string {
  const text = optional(object, name);
  if (text === undefined) throw new Misfit(`the field '${name}' is missing (it has ${keysFound(object)})`);
  if (text.trim() === '') throw new Misfit(`the field '${name}' is empty`);
  return text;
}

/** A text with LF line ends; numbers and booleans as they are written in JSON. */
function optional(object: object, name: string): string | undefined {
  const value: unknown = Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value.includes('\r') ? value.replace(/\r\n?/g, '\n') : value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw new Misfit(`the field '${name}' is ${describe(value)}: expected a text`);
}

function keysFound(object: object): string {
  const keys = Object.keys(object);
  return keys.length === 0
    ? 'no fields'
    : keys
        .slice(0, 8)
        .map((key) => key.slice(0, 40))
        .join(', ');
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
