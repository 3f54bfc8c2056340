import { z } from 'zod';

import { HeadwaterError } from './errors.js';

/** A record's shape: zod types by property, all of them JSON but for `vector()`. */
export type Shape = z.core.$ZodLooseShape;

/**
 * One definition of what travels: it gives the TypeScript type (`RecordOf`), the validation (`parse`), the JSON Schema and,
 * through `arrowSchema`, the Arrow schema. Properties that it does not know are kept, so newer writers are not truncated.
 */
export interface RecordSchema<Type extends { readonly kind: string } = { readonly kind: string }> {
  /** The discriminator that every record of this schema carries, such as `draft`. */
  readonly kind: Type['kind'];
  /** The id in the `schema` header of a message, such as `headwater.draft/1`. */
  readonly id: string;
  /** The topic where such records live, without a prefix. */
  readonly topic: string;
  readonly type: z.ZodType<Type>;
  /** The properties that hold a `Float32Array`, which travel as base64. */
  readonly vectors: readonly string[];
  /** Checks an unknown value. Throws `HeadwaterError` with code `record-invalid`, naming the property and what was wrong. */
  parse(value: unknown): Type;
  jsonSchema(): Record<string, unknown>;
}

export type RecordOf<Schema> = Schema extends RecordSchema<infer Type> ? Type : never;

const vectorTag = 'vector';

/** A unit vector of `dimensions` float32 values in memory, base64 (little endian) on a topic, a fixed-size list in Arrow. */
export function vector() {
  return z.instanceof(Float32Array).meta({ arrow: vectorTag });
}

/** A point in time, in milliseconds since 1970 (UTC). */
export function instant() {
  return z.int().nonnegative().meta({ arrow: 'timestamp' });
}

/** A 32-character hash of what caused a record. */
export function id() {
  return z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits');
}

/** An object of known properties that keeps the ones it does not know. */
export function open<Properties extends Shape>(properties: Properties): z.ZodType<z.infer<z.ZodObject<Properties>>> {
  return z.looseObject(properties);
}

/** Defines the record `kind`, version `version`, that lives on `topic`. */
export function record<Kind extends string, Properties extends Shape>(
  kind: Kind,
  version: number,
  topic: string,
  properties: Properties,
) {
  const type = open({ kind: z.literal(kind), ...properties });
  type Type = z.infer<typeof type>;
  const vectors = Object.entries(properties)
    .filter(([, property]) => isVector(property))
    .map(([name]) => name);
  return {
    kind,
    id: `headwater.${kind}/${version}`,
    topic,
    type,
    vectors,
    parse: (value: unknown): Type => {
      const result = type.safeParse(value);
      if (result.success) return result.data;
      throw new HeadwaterError('record-invalid', `a ${kind} record ${firstIssue(result.error)}`);
    },
    jsonSchema: () => jsonSchema(type),
  };
}

/** The first thing wrong, as `has a bad 'fields.subject': expected string, received number`. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'is invalid';
  const path = issue.path.join('.');
  const what = issue.message.replace(/^Invalid input: /, '');
  return path === '' ? `is wrong: ${what}` : `has a bad '${path}': ${what}`;
}

/** The JSON Schema (draft 2020-12) of a type; a vector is described as it travels, as base64. */
export function jsonSchema(type: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(type, {
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: node }) => {
      if (isVector(zodSchema)) Object.assign(node, { type: 'string', contentEncoding: 'base64' });
    },
  }) as Record<string, unknown>;
}

function isVector(type: unknown): boolean {
  if (type instanceof z.ZodOptional) return isVector(type.unwrap());
  return type instanceof z.ZodType && type.meta()?.['arrow'] === vectorTag;
}
