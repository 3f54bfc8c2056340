import { HeadwaterError } from '../../schemas/errors.js';

/** The numbers of an array as base64, little endian, to the last bit. */
export function packed(numbers: Float32Array | Float64Array | Uint32Array): string {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
}

/** What `packed` made of `length` float64 numbers. Throws `HeadwaterError` with code `record-invalid` for anything else. */
export function unpackedFloat64(encoded: unknown, length: number): Float64Array {
  const bytes = bytesOf(encoded, 8);
  if (bytes.byteLength !== 8 * length) throw damaged(`${bytes.byteLength / 8} numbers, not ${length}`);
  return new Float64Array(bytes);
}

/** What `packed` made of float32 numbers, `length` of them. Throws as `unpackedFloat64`. */
export function unpackedFloat32(encoded: unknown, length: number): Float32Array {
  const bytes = bytesOf(encoded, 4);
  if (bytes.byteLength !== 4 * length) throw damaged(`${bytes.byteLength / 4} numbers, not ${length}`);
  return new Float32Array(bytes);
}

/** What `packed` made of any number of 32-bit integers. Throws as `unpackedFloat64`. */
export function unpackedUint32(encoded: unknown): Uint32Array {
  return new Uint32Array(bytesOf(encoded, 4));
}

/** In a buffer of its own, since a view needs its numbers to be aligned. */
function bytesOf(encoded: unknown, size: number): ArrayBuffer {
  if (typeof encoded !== 'string') throw damaged(JSON.stringify(encoded) ?? 'nothing');
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.byteLength % size !== 0) throw damaged('a number that is cut');
  const own = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(own).set(bytes);
  return own;
}

function damaged(what: string): HeadwaterError {
  return new HeadwaterError('record-invalid', `the memory of an operator holds ${what}, where packed numbers belong`);
}
