import type { GbnfJsonSchema } from 'node-llama-cpp';

import { HeadwaterError } from '../../schemas/errors.js';

/** Lengths where a schema gives none, so that an answer cannot go on for ever. */
const bounds = { string: 2000, array: 64, object: 32 };

type Json = Readonly<Record<string, unknown>>;
type Literal = string | number | boolean | null;

/** Keywords that no grammar made here can express, and that would change which JSON is right. */
const unsupported = [
  'allOf',
  'not',
  'if',
  'patternProperties',
  'propertyNames',
  'dependentSchemas',
  'contains',
  '$dynamicRef',
  'unevaluatedProperties',
];

/**
 * A JSON Schema in the subset that becomes a grammar, with a bound on every string (2,000 characters), list (64 items) and
 * map (32 entries) that has none. All properties are written, required or not. Constraints on values (`pattern`, `minimum`,
 * `uniqueItems` and the like) do not bind: check the answer. Throws `HeadwaterError` with code `grammar-invalid`.
 */
export function bounded(schema: unknown, path = '#'): GbnfJsonSchema {
  if (!isObject(schema)) throw invalid(path, 'expected a schema object: an arbitrary value has no bound');
  const keyword = unsupported.find((name) => name in schema);
  if (keyword !== undefined) throw invalid(path, `'${keyword}' is not supported`);
  const defs = isObject(schema['$defs']) ? { $defs: each(schema['$defs'], `${path}/$defs`) } : {};
  return { ...typed(schema, path), ...defs };
}

function typed(schema: Json, path: string): GbnfJsonSchema {
  if ('$ref' in schema) return reference(schema['$ref'], path);
  if ('const' in schema) return { const: literal(schema['const'], path) };
  if ('enum' in schema) return { enum: list(schema['enum'], path).map((value) => literal(value, path)) };
  const options = schema['oneOf'] ?? schema['anyOf'];
  if (options !== undefined) return { oneOf: list(options, path).map((one, at) => bounded(one, `${path}/${at}`)) };
  const type = schema['type'] ?? impliedType(schema);
  if (Array.isArray(type)) return { oneOf: type.map((one) => typed({ ...schema, type: one }, path)) };
  if (type === 'object') return objectOf(schema, path);
  if (type === 'array') return arrayOf(schema, path);
  if (type === 'string') return stringOf(schema, path);
  if (type === 'number' || type === 'integer' || type === 'boolean' || type === 'null') return { type };
  throw invalid(path, `expected a type, got ${JSON.stringify(type)}: an arbitrary value has no bound`);
}

function objectOf(schema: Json, path: string): GbnfJsonSchema {
  const properties = each(schema['properties'] ?? {}, `${path}/properties`);
  const others = schema['additionalProperties'];
  if (others === undefined || others === false) return { type: 'object', properties };
  const least = count(schema['minProperties'], path) ?? 0;
  return {
    type: 'object',
    properties,
    additionalProperties: bounded(others, `${path}/additionalProperties`),
    minProperties: least,
    maxProperties: count(schema['maxProperties'], path) ?? least + Object.keys(properties).length + bounds.object,
  };
}

function arrayOf(schema: Json, path: string): GbnfJsonSchema {
  const least = count(schema['minItems'], path) ?? 0;
  const prefix = schema['prefixItems'];
  const limits = { minItems: least, maxItems: count(schema['maxItems'], path) ?? least + bounds.array };
  if (prefix !== undefined) {
    const prefixItems = list(prefix, path).map((item, at) => bounded(item, `${path}/prefixItems/${at}`));
    const { items } = schema;
    if (items === undefined || items === false) return { type: 'array', prefixItems, maxItems: prefixItems.length };
    return { type: 'array', prefixItems, items: bounded(items, `${path}/items`), ...limits };
  }
  return { type: 'array', items: bounded(schema['items'], `${path}/items`), ...limits };
}

function stringOf(schema: Json, path: string): GbnfJsonSchema {
  const { format } = schema;
  if (format === 'date' || format === 'time' || format === 'date-time') return { type: 'string', format };
  const least = count(schema['minLength'], path) ?? 0;
  return { type: 'string', minLength: least, maxLength: count(schema['maxLength'], path) ?? least + bounds.string };
}

function reference(target: unknown, path: string): GbnfJsonSchema {
  const name = typeof target === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(target)?.[1] : undefined;
  if (name === undefined) throw invalid(path, "expected a '$ref' to '#/$defs/NAME'");
  const schema: { readonly $ref: `#/$defs/${string}` } = { $ref: `#/$defs/${name}` };
  return schema;
}

function each(schemas: unknown, path: string): Record<string, GbnfJsonSchema> {
  if (!isObject(schemas)) throw invalid(path, 'expected an object of schemas');
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, bounded(schema, `${path}/${name}`)]),
  );
}

function impliedType(schema: Json): unknown {
  if ('properties' in schema || 'additionalProperties' in schema) return 'object';
  return 'items' in schema || 'prefixItems' in schema ? 'array' : undefined;
}

function list(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(path, 'expected a list with an entry');
  return value;
}

function literal(value: unknown, path: string): Literal {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw invalid(path, `expected a text, a number, true, false or null, got ${JSON.stringify(value)}`);
}

function count(value: unknown, path: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw invalid(path, `expected a count, got ${JSON.stringify(value)}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, why: string): HeadwaterError {
  return new HeadwaterError('grammar-invalid', `the JSON Schema at ${path}: ${why}`);
}
