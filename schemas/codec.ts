import { correctionSchema } from './correction.js';
import { deadLetterSchema } from './dead-letter.js';
import { documentSchema } from './document.js';
import { draftSchema } from './draft.js';
import { HeadwaterError } from './errors.js';
import { givenSchema } from './given.js';
import { ledgerEntrySchema } from './ledger-entry.js';
import { planSchema } from './plan.js';
import { qualitySchema } from './quality.js';
import { realSchema } from './real.js';
import { reasonedSchema } from './reasoned.js';
import type { RecordOf } from './record.js';
import { refinedSchema } from './refined.js';
import { sampleSchema } from './sample.js';
import { seedSchema } from './seed.js';
import { shardSchema } from './shard.js';
import { tickSchema } from './tick.js';
import { verdictSchema } from './verdict.js';

/** Every record that travels on a topic. */
export const recordSchemas = [
  seedSchema,
  realSchema,
  documentSchema,
  givenSchema,
  planSchema,
  reasonedSchema,
  draftSchema,
  refinedSchema,
  sampleSchema,
  correctionSchema,
  qualitySchema,
  verdictSchema,
  shardSchema,
  ledgerEntrySchema,
  deadLetterSchema,
  tickSchema,
] as const;

export type AnyRecord = RecordOf<(typeof recordSchemas)[number]>;
export type Kind = AnyRecord['kind'];
export type RecordOfKind<K extends Kind> = Extract<AnyRecord, { readonly kind: K }>;

/** The header that names the schema of a message. */
export const schemaHeader = 'schema';

const byKind = new Map<string, (typeof recordSchemas)[number]>(recordSchemas.map((schema) => [schema.kind, schema]));
const text = new TextDecoder('utf-8', { fatal: true });
const bytes = new TextEncoder();

/** The definition of a kind of record. */
export function schemaOf(kind: Kind): (typeof recordSchemas)[number] {
  const schema = byKind.get(kind);
  if (schema === undefined) throw new HeadwaterError('schema-unknown', `no record schema is called '${kind}'`);
  return schema;
}

/** A record as the bytes and headers of a message: JSON, UTF-8, vectors as base64, the schema's id in a header. */
export function encode(record: AnyRecord): {
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
} {
  const schema = schemaOf(record.kind);
  let json: Readonly<Record<string, unknown>> = record;
  for (const name of schema.vectors) {
    const vector = json[name];
    if (vector instanceof Float32Array) json = { ...json, [name]: toBase64(vector) };
  }
  return { value: bytes.encode(JSON.stringify(json)), headers: { [schemaHeader]: schema.id } };
}

/**
 * The record in a message's bytes. A newer version of a known schema is read as far as it fits. Throws `HeadwaterError` with
 * code `record-undecodable` (not UTF-8 JSON), `schema-unknown` or `record-invalid`.
 */
export function decode(value: Uint8Array, headers: Readonly<Record<string, string>>): AnyRecord {
  const kind = /^headwater\.([a-z-]+)\/\d+$/.exec(headers[schemaHeader] ?? '')?.[1];
  const schema = kind === undefined ? undefined : byKind.get(kind);
  if (schema === undefined) {
    throw new HeadwaterError('schema-unknown', `the schema '${headers[schemaHeader] ?? ''}' is not known`);
  }
  const json = parseJson(value);
  if (typeof json === 'object' && json !== null) {
    for (const name of schema.vectors) {
      const encoded = Reflect.get(json, name);
      if (typeof encoded === 'string') Reflect.set(json, name, fromBase64(encoded));
    }
  }
  return schema.parse(json);
}

/** Parses UTF-8 JSON. Throws `HeadwaterError` with code `record-undecodable`. */
export function parseJson(value: Uint8Array): unknown {
  try {
    return JSON.parse(text.decode(value));
  } catch (cause) {
    throw new HeadwaterError('record-undecodable', 'the bytes are not UTF-8 JSON', { cause });
  }
}

/** Float32 values as base64, little endian. */
export function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

/** The float32 values in base64, little endian. Throws `HeadwaterError` with code `record-invalid` if a value is cut. */
export function fromBase64(encoded: string): Float32Array {
  const data = Buffer.from(encoded, 'base64');
  if (data.byteLength % 4 !== 0) throw new HeadwaterError('record-invalid', 'a vector is cut within a value');
  return new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}
