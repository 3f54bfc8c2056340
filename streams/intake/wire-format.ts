import { HeadwaterError } from '../../schemas/errors.js';

/** A message in the wire format of Confluent's serializers. */
export interface WireMessage {
  /** Of the schema that it was written with, in the registry. */
  readonly schemaId: number;
  readonly payload: Buffer;
}

const headBytes = 5;

/** Splits a zero byte, a schema id of four bytes (big endian), and the payload. Throws `record-undecodable`. */
export function wireMessage(value: Uint8Array): WireMessage {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.byteLength < headBytes || bytes[0] !== 0) {
    const found =
      bytes.byteLength === 0 ? 'it is empty' : `it starts with ${bytes.subarray(0, headBytes).toString('hex')}`;
    const expected = 'expected a zero byte and a schema id, as serializers with a schema registry write them';
    throw new HeadwaterError('record-undecodable', `${found}: ${expected} (or is its format json?)`);
  }
  return { schemaId: bytes.readInt32BE(1), payload: bytes.subarray(headBytes) };
}
