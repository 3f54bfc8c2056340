/** Zeros in memory that threads share: what is sent to one is not copied. `Float32Array [count]`. */
export function sharedFloats(count: number): Float32Array<SharedArrayBuffer> {
  return new Float32Array(new SharedArrayBuffer(Float32Array.BYTES_PER_ELEMENT * count));
}
