import { HeadwaterError } from '../../schemas/errors.js';

/** A table of token vectors. */
export interface TokenTable {
  readonly rows: number;
  readonly dimensions: number;
  /** `[rows, dimensions]`, row by row. */
  readonly values: Float32Array;
}

const lengthBytes = 8;
const maxHeaderBytes = 100 << 20;

/**
 * Reads one 16-bit float tensor of two axes out of a safetensors file. Throws `HeadwaterError` with code `model-damaged`
 * where the file is cut, is another format, lacks the tensor, or holds a value that is not finite.
 */
export function readTokenTable(bytes: Uint8Array, tensor: string): TokenTable {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = bytes.byteLength < lengthBytes ? 0 : Number(view.getBigUint64(0, true));
  if (headerBytes < 2 || headerBytes > maxHeaderBytes) throw damaged('it is not a safetensors file');
  const dataStart = lengthBytes + headerBytes;
  if (dataStart > bytes.byteLength) throw damaged('its header is cut');
  const { rows, dimensions, start, end } = layoutOf(headerOf(bytes.subarray(lengthBytes, dataStart)), tensor);
  if (end - start !== rows * dimensions * 2) throw damaged(`${tensor} does not have the size of its shape`);
  if (dataStart + end > bytes.byteLength) {
    throw damaged(`it is cut: ${bytes.byteLength} bytes instead of ${dataStart + end}`);
  }
  return { rows, dimensions, values: widened(view, dataStart + start, rows * dimensions) };
}

interface Layout {
  readonly rows: number;
  readonly dimensions: number;
  readonly start: number;
  readonly end: number;
}

function headerOf(bytes: Uint8Array): object {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null) return header;
  } catch (cause) {
    throw damaged('its header is not JSON', cause);
  }
  throw damaged('its header is not an object');
}

function layoutOf(header: object, tensor: string): Layout {
  const entry: unknown = Reflect.get(header, tensor);
  if (typeof entry !== 'object' || entry === null) throw damaged(`it has no tensor ${tensor}`);
  const dtype: unknown = Reflect.get(entry, 'dtype');
  if (dtype !== 'F16') throw damaged(`${tensor} is ${String(dtype)}, and F16 is expected`);
  const [rows, dimensions] = pairOf(entry, 'shape');
  const [start, end] = pairOf(entry, 'data_offsets');
  if (rows === 0 || dimensions === 0) throw damaged(`${tensor} is empty`);
  return { rows, dimensions, start, end };
}

function pairOf(entry: object, key: string): readonly [number, number] {
  const pair: unknown = Reflect.get(entry, key);
  if (Array.isArray(pair) && pair.length === 2) {
    const [first, second]: readonly unknown[] = pair;
    if (isCount(first) && isCount(second)) return [first, second];
  }
  throw damaged(`its ${key} is not a pair of counts`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Half precision as single precision, through a table of all 65,536 values. */
function widened(view: DataView, start: number, count: number): Float32Array {
  const single = halfToSingle();
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = single[view.getUint16(start + 2 * i, true)] ?? Number.NaN;
    if (!Number.isFinite(value)) throw damaged(`value ${i} of its tensor is not finite`);
    values[i] = value;
  }
  return values;
}

function halfToSingle(): Float32Array {
  const single = new Float32Array(1 << 16);
  for (let bits = 0; bits < single.length; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    single[bits] =
      exponent === 0x1f
        ? fraction === 0
          ? sign * Number.POSITIVE_INFINITY
          : Number.NaN
        : exponent === 0
          ? sign * fraction * 2 ** -24
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return single;
}

function damaged(what: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('model-damaged', what, { cause });
}
