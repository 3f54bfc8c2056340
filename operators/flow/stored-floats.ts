import { fromBase64, toBase64 } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';

/** Float64 numbers as a memory holds them: base64 of their bytes, so that no bit is lost. */
export function storedFloats({ buffer, byteOffset, length }: Float64Array): string {
  return toBase64(new Float32Array(buffer, byteOffset, 2 * length));
}

/** The float64 numbers. Throws `HeadwaterError` with code `record-invalid` where one is cut. */
export function restoredFloats(encoded: string): Float64Array {
  const { buffer, length } = fromBase64(encoded);
  if (length % 2 !== 0) throw new HeadwaterError('record-invalid', 'a vector is cut within a value');
  return new Float64Array(buffer);
}
