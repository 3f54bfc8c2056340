import { createHash } from 'node:crypto';

import {
  Bool,
  type DataType,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
} from 'apache-arrow';
import { z } from 'zod';

import { columnClashes } from './column-names.js';
import type { Domain } from './domain.js';
import { HeadwaterError } from './errors.js';
import { sampleSchema } from './sample.js';

/**
 * The Arrow schema of a record definition: its properties in order, in snake_case.
 *
 * Texts and enums are Utf8, integers Int64 (Int32 where the definition says `z.int32()`), numbers Float64, instants
 * Timestamp(ms, UTC), arrays List, objects Struct, text by text Map, a vector FixedSizeList<Float32>[dimensions]. Optional and
 * nullable properties are nullable columns. Throws `TypeError` for a definition that has no Arrow type.
 */
export function arrowSchema(schema: { readonly type: z.ZodType }, dimensions: number | null = null): Schema {
  return new Schema(fieldsOf(propertiesOf(schema.type), dimensions));
}

/**
 * The columns of a shard: `id`, a text for each field of the domain, `label`, `weight`, `embedding`, `lineage`, `created_at`.
 *
 * `dimensions: null` leaves `embedding` out. Throws `HeadwaterError` with code `recipe-invalid` where a field of the domain
 * is called like a fixed column or like another field; case does not tell two columns apart in most query engines.
 */
export function sampleRowSchema(domain: Domain, dimensions: number | null): Schema {
  const names = Object.keys(domain.fields);
  checkColumnNames(names);
  const properties = propertiesOf(sampleSchema.type);
  const column = (property: string) => arrowField(property, properties[property], dimensions);
  return new Schema([
    column('id'),
    ...names.map((name) => new Field(name, new Utf8(), false)),
    column('label'),
    column('weight'),
    ...(dimensions === null ? [] : [required(column('embedding'))]),
    column('lineage'),
    column('createdAt'),
  ]);
}

/** Throws `HeadwaterError` with code `recipe-invalid` where the fields of a domain cannot all be columns of one shard. */
function checkColumnNames(names: readonly string[]): void {
  const [clash] = columnClashes(names);
  if (clash === undefined) return;
  const { field, like } = clash;
  throw new HeadwaterError('recipe-invalid', `the domain field '${field}' is called like ${like}; rename it`);
}

/** A name for exactly these columns: it changes when a name, a type, the order or whether nulls are allowed does. */
export function schemaId(schema: Schema): string {
  const columns = JSON.stringify(schema.fields.map(describe));
  return `headwater.row/${createHash('sha256').update(columns).digest('hex').slice(0, 16)}`;
}

/** The column of a property: `promptTokens` is `prompt_tokens`. */
export function columnOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The property of a column, the inverse of `columnOf`. */
export function propertyOf(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function fieldsOf(properties: Readonly<Record<string, unknown>>, dimensions: number | null): Field[] {
  return Object.entries(properties).map(([property, type]) => arrowField(property, type, dimensions));
}

function arrowField(property: string, definition: unknown, dimensions: number | null): Field {
  const { type, nullable } = unwrap(definition);
  return new Field(columnOf(property), arrowType(property, type, dimensions), nullable);
}

function arrowType(property: string, type: unknown, dimensions: number | null): DataType {
  const tag = type instanceof z.ZodType ? type.meta()?.['arrow'] : undefined;
  if (tag === 'timestamp') return new TimestampMillisecond('UTC');
  if (tag === 'vector') return vectorType(property, dimensions);
  if (type instanceof z.ZodString || type instanceof z.ZodEnum) return new Utf8();
  if (type instanceof z.ZodLiteral && typeof type.value === 'string') return new Utf8();
  if (type instanceof z.ZodBoolean) return new Bool();
  if (type instanceof z.ZodNumberFormat) return numberType(type);
  if (type instanceof z.ZodNumber) return new Float64();
  if (type instanceof z.ZodArray) return new List(arrowField('element', type.element, dimensions));
  if (type instanceof z.ZodObject) return new Struct(fieldsOf(type.shape, dimensions));
  if (type instanceof z.ZodRecord) return mapType(arrowField('value', type.valueType, dimensions));
  const kind = type instanceof z.ZodType ? type.def.type : typeof type;
  throw new TypeError(`the property '${property}' is a ${kind}, which has no Arrow type`);
}

function numberType(type: z.ZodNumberFormat): DataType {
  if (type.format === 'int32') return new Int32();
  return type.format === 'safeint' || type.format === 'uint32' ? new Int64() : new Float64();
}

function vectorType(property: string, dimensions: number | null): DataType {
  if (dimensions === null) throw new TypeError(`the property '${property}' is a vector: expected dimensions, got null`);
  return new FixedSizeList(dimensions, new Field('element', new Float32(), false));
}

function mapType(value: Field): DataType {
  const entry = new Struct<{ key: Utf8; value: DataType }>([new Field('key', new Utf8(), false), value]);
  return new Map_(new Field('entries', entry, false));
}

/** What a definition holds when it is there, and whether it may be absent or null. */
function unwrap(definition: unknown): { readonly type: unknown; readonly nullable: boolean } {
  if (definition instanceof z.ZodOptional || definition instanceof z.ZodNullable) {
    return { type: unwrap(definition.unwrap()).type, nullable: true };
  }
  if (definition instanceof z.ZodDefault || definition instanceof z.ZodPrefault) return unwrap(definition.unwrap());
  return { type: definition, nullable: false };
}

function propertiesOf(type: z.ZodType): Readonly<Record<string, unknown>> {
  if (type instanceof z.ZodObject) return type.shape;
  throw new TypeError(`expected the definition of an object, got ${type.def.type}`);
}

function required(field: Field): Field {
  return new Field(field.name, field.type, false);
}

function describe(field: Field): unknown {
  const children: readonly Field[] = field.type.children ?? [];
  return [field.name, String(field.type), field.nullable, children.map(describe)];
}
