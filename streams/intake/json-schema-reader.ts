import { type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema';

import { parseJson } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { PayloadReader, SchemaText } from './registered-schema.js';

/** Against which a relative `$ref` is resolved where a schema has no `$id` of its own. */
const baseId = 'https://schema.invalid/';

/**
 * A reader of JSON payloads that must fit a JSON Schema of draft 4, 7, 2019-09 or 2020-12. The reader throws
 * `record-undecodable` or `record-invalid`; an `Error` is thrown here where the schema itself cannot be read.
 */
export function jsonSchemaReader({ schema, references }: SchemaText): PayloadReader {
  const root = parsed(schema);
  const id = new URL(typeof root === 'object' ? (root.$id ?? '') : '', baseId).href;
  const validator = new Validator(typeof root === 'object' ? { ...root, $id: id } : root, draftOf(root));
  for (const { name, schema: text } of references) {
    const referenced = parsed(text);
    // Found by the name under which the referring schema knows it, whatever it calls itself.
    if (typeof referenced === 'object') validator.addSchema(referenced, new URL(name, id).href);
  }
  return (payload) => {
    const value = parseJson(payload);
    const { valid, errors } = validator.validate(value);
    if (valid) return value;
    const [innermost] = errors.slice(-1);
    const what = innermost === undefined ? '' : ` at ${innermost.instanceLocation}: ${innermost.error.slice(0, 200)}`;
    throw new HeadwaterError('record-invalid', `the JSON does not fit the schema whose id it carries${what}`);
  };
}

function parsed(text: string): Schema | boolean {
  const schema: unknown = JSON.parse(text);
  if (typeof schema === 'boolean') return schema;
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema;
  throw new TypeError('a JSON Schema is an object or a boolean');
}

function draftOf(schema: Schema | boolean): SchemaDraft {
  const named = typeof schema === 'object' ? String(schema.$schema ?? '') : '';
  if (named.includes('2020-12')) return '2020-12';
  if (named.includes('2019-09')) return '2019-09';
  return named.includes('draft-04') ? '4' : '7';
}
