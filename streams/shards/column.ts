import { type Data, DataType, type Float, type Int, makeData, type Timestamp, type Utf8 } from 'apache-arrow';

import { HeadwaterError } from '../../schemas/errors.js';
import { Bitmap, GrowingBuffer } from './growing-buffer.js';

/**
 * One column of a batch, written value by value into Arrow's own buffers, which are used again for the next batch.
 *
 * A value that cannot be written unchanged throws `HeadwaterError` with code `value-unencodable`; the column must then be
 * truncated to a length that it had before.
 */
export abstract class Column {
  length = 0;
  readonly #validity: Bitmap | undefined;

  constructor(
    /** Names in the schema from the top, such as `lineage.calls.cost`; errors say it. */
    readonly path: string,
    readonly nullable: boolean,
  ) {
    this.#validity = nullable ? new Bitmap() : undefined;
  }

  /** Appends a value and returns the bytes that it takes in memory. */
  append(value: unknown): number {
    if (value === undefined || value === null) {
      if (!this.nullable) throw this.unencodable('a value', value);
      this.skip();
      return 0;
    }
    const bytes = this.write(value);
    this.#validity?.set(this.length, true);
    this.length += 1;
    return bytes;
  }

  /** Appends a place without a value: a null, or what lies under a null struct. */
  skip(): void {
    this.fill();
    this.#validity?.set(this.length, false);
    this.length += 1;
  }

  /** Forgets all values from `length` on. */
  truncate(length: number): void {
    this.length = length;
  }

  /** The values, in buffers that the next append may overwrite. */
  abstract data(): Data;

  /** Writes a value at `this.length`. */
  protected abstract write(value: unknown): number;
  /** Fills the place at `this.length` with anything. */
  protected abstract fill(): void;

  protected common(): { readonly length: number; readonly nullCount: number; readonly nullBitmap: Uint8Array | null } {
    const { length } = this;
    const nullCount = this.#validity?.zeros(length) ?? 0;
    return { length, nullCount, nullBitmap: nullCount === 0 ? null : (this.#validity?.bytes(length) ?? null) };
  }

  protected unencodable(expected: string, value: unknown): HeadwaterError {
    return new HeadwaterError(
      'value-unencodable',
      `the column '${this.path}' cannot hold the value: expected ${expected}, got ${shown(value)}`,
    );
  }
}

/** Texts as UTF-8, byte for byte; a lone surrogate has no UTF-8 and is refused. */
export class Utf8Column extends Column {
  readonly #offsets = new GrowingBuffer((buffer) => new Int32Array(buffer));
  readonly #text = new GrowingBuffer((buffer) => Buffer.from(buffer));
  #end = 0;

  constructor(
    private readonly type: Utf8,
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    if (typeof value !== 'string') throw this.unencodable('a text', value);
    this.#text.reserve(this.#end + value.length * 3);
    const bytes = this.#text.view.write(value, this.#end, 'utf8');
    if (bytes !== value.length && loneSurrogate.test(value)) throw this.unencodable('well-formed Unicode', value);
    this.#end += bytes;
    this.#close();
    return bytes + 4;
  }

  protected fill(): void {
    this.#close();
  }

  override truncate(length: number): void {
    super.truncate(length);
    this.#end = this.#offsets.view[length] ?? 0;
  }

  data(): Data<Utf8> {
    const valueOffsets = this.#offsets.view.subarray(0, this.length + 1);
    return makeData({ type: this.type, ...this.common(), valueOffsets, data: this.#text.view.subarray(0, this.#end) });
  }

  #close(): void {
    this.#offsets.reserve((this.length + 2) * 4);
    this.#offsets.view[this.length + 1] = this.#end;
  }
}

const loneSurrogate = /\p{Surrogate}/u;

/** Numbers of 64 bits, all finite. */
export class Float64Column extends Column {
  readonly #values = new GrowingBuffer((buffer) => new Float64Array(buffer));

  constructor(
    private readonly type: Float,
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.unencodable('a finite number', value);
    this.#values.reserve((this.length + 1) * 8);
    this.#values.view[this.length] = value;
    return 8;
  }

  protected fill(): void {
    this.#values.reserve((this.length + 1) * 8);
    this.#values.view[this.length] = 0;
  }

  data(): Data<Float> {
    return makeData({ type: this.type, ...this.common(), data: this.#values.view.subarray(0, this.length) });
  }
}

/** Integers of 32 bits. */
export class Int32Column extends Column {
  readonly #values = new GrowingBuffer((buffer) => new Int32Array(buffer));

  constructor(
    private readonly type: Int,
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    if (typeof value !== 'number' || (value | 0) !== value) throw this.unencodable('an integer of 32 bits', value);
    this.#values.reserve((this.length + 1) * 4);
    this.#values.view[this.length] = value;
    return 4;
  }

  protected fill(): void {
    this.#values.reserve((this.length + 1) * 4);
    this.#values.view[this.length] = 0;
  }

  data(): Data<Int> {
    return makeData({ type: this.type, ...this.common(), data: this.#values.view.subarray(0, this.length) });
  }
}

/** Integers that a JavaScript number holds exactly, and points in time, in 64 bits. */
export class Int64Column extends Column {
  // In halves, low one first: a BigInt for each value would be garbage.
  readonly #halves = new GrowingBuffer((buffer) => new Int32Array(buffer));

  constructor(
    private readonly type: Int | Timestamp,
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.unencodable('a safe integer', value);
    this.#store(value);
    return 8;
  }

  protected fill(): void {
    this.#store(0);
  }

  data(): Data<Int | Timestamp> {
    const halves = this.#halves.view;
    const data = new BigInt64Array(halves.buffer, 0, this.length);
    const { type } = this;
    if (DataType.isTimestamp(type)) return makeData({ type, ...this.common(), data });
    return makeData({ type, ...this.common(), data });
  }

  #store(value: number): void {
    this.#halves.reserve((this.length + 1) * 8);
    this.#halves.view[this.length * 2] = value % 2 ** 32;
    this.#halves.view[this.length * 2 + 1] = Math.floor(value / 2 ** 32);
  }
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return typeof value === 'object' && value !== null ? 'an object' : String(value);
  const start = JSON.stringify(value.slice(0, 40));
  return value.length > 40 ? `a text of ${value.length} characters that starts ${start}` : start;
}
