import avro from 'avsc';
import { HeadwaterError } from '../../schemas/errors.js';
import type { PayloadReader, SchemaText } from './registered-schema.js';

/** Longs as numbers where those are exact, else as bigints: avsc alone refuses what a double cannot hold. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const value = bytes.readBigInt64LE();
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  },
  toBuffer: (value: number | bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: (value: number) => value,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint' || Number.isSafeInteger(value),
  compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/**
 * A reader of payloads that were written with an Avro schema. The reader throws `record-undecodable`; an `Error` is thrown here
 * where the schema itself cannot be read.
 */
export function avroReader({ schema, references }: SchemaText): PayloadReader {
  // Types that a later schema names are found here, so the referenced ones come first.
  const registry = { long: exactLong };
  for (const reference of references) avro.Type.forSchema(parsed(reference.schema), { registry });
  const type = avro.Type.forSchema(parsed(schema), { registry });
  return (payload) => {
    try {
      return type.fromBuffer(payload);
    } catch (cause) {
      const text = 'the bytes do not have the Avro schema whose id they carry';
      throw new HeadwaterError('record-undecodable', `${text}: ${reasonOf(cause)}`, { cause });
    }
  };
}

/** A primitive type may stand in a registry as its bare name. */
function parsed(schema: string): avro.Schema {
  return JSON.parse(schema) as avro.Schema;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
}
