import {
  type Bool,
  type Data,
  DataType,
  type FixedSizeList,
  type Float32,
  type List,
  type Map_,
  makeData,
  type Struct,
} from 'apache-arrow';

import { Column } from './column.js';
import { Bitmap, GrowingBuffer } from './growing-buffer.js';

/** True or false, a bit each. */
export class BoolColumn extends Column {
  readonly #values = new Bitmap();

  constructor(
    private readonly type: Bool,
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    if (typeof value !== 'boolean') throw this.unencodable('true or false', value);
    this.#values.set(this.length, value);
    return 1;
  }

  protected fill(): void {
    this.#values.set(this.length, false);
  }

  data(): Data<Bool> {
    return makeData({ type: this.type, ...this.common(), data: this.#values.bytes(this.length) });
  }
}

/** Vectors of one length, end to end: `Float32Array [n, dimensions]`, all finite. */
export class VectorColumn extends Column {
  readonly #values = new GrowingBuffer((buffer) => new Float32Array(buffer));

  constructor(
    private readonly type: FixedSizeList<Float32>,
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    const { listSize } = this.type;
    if (!(value instanceof Float32Array)) throw this.unencodable(`${listSize} float32 values`, value);
    if (value.length !== listSize) throw this.unencodable(`${listSize} float32 values`, `${value.length} of them`);
    if (!allFinite(value)) throw this.unencodable('finite values only', 'NaN or Infinity');
    this.#reserve();
    this.#values.view.set(value, this.length * listSize);
    return listSize * 4;
  }

  protected fill(): void {
    this.#reserve();
    this.#values.view.fill(0, this.length * this.type.listSize, (this.length + 1) * this.type.listSize);
  }

  data(): Data<FixedSizeList<Float32>> {
    const length = this.length * this.type.listSize;
    const child = makeData({ type: this.type.valueType, length, data: this.#values.view.subarray(0, length) });
    return makeData({ type: this.type, ...this.common(), child });
  }

  #reserve(): void {
    this.#values.reserve((this.length + 1) * this.type.listSize * 4);
  }
}

/** Values of any number in each place: an array for a List, an object for a Map of its properties. */
export class ListColumn extends Column {
  readonly #offsets = new GrowingBuffer((buffer) => new Int32Array(buffer));

  constructor(
    private readonly type: List | Map_,
    private readonly child: Column,
    /** The elements of a value, or undefined where it is no list. */
    private readonly elements: (value: unknown) => readonly unknown[] | undefined,
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    const elements = this.elements(value);
    if (elements === undefined) throw this.unencodable('a list', value);
    let bytes = 4;
    for (const element of elements) bytes += this.child.append(element);
    this.#close();
    return bytes;
  }

  protected fill(): void {
    this.#close();
  }

  override truncate(length: number): void {
    super.truncate(length);
    this.child.truncate(this.#offsets.view[length] ?? 0);
  }

  data(): Data<List | Map_> {
    const valueOffsets = this.#offsets.view.subarray(0, this.length + 1);
    const { type } = this;
    const child = this.child.data();
    if (DataType.isMap(type)) return makeData({ type, ...this.common(), valueOffsets, child });
    return makeData({ type, ...this.common(), valueOffsets, child });
  }

  #close(): void {
    this.#offsets.reserve((this.length + 2) * 4);
    this.#offsets.view[this.length + 1] = this.child.length;
  }
}

/** A column for each property of an object. */
export class StructColumn extends Column {
  constructor(
    private readonly type: Struct,
    private readonly children: readonly Column[],
    /** The property that each child holds. */
    private readonly properties: readonly string[],
    path: string,
    nullable: boolean,
  ) {
    super(path, nullable);
  }

  protected write(value: unknown): number {
    if (!isObject(value)) throw this.unencodable('an object', value);
    let bytes = 0;
    for (let index = 0; index < this.children.length; index += 1) {
      bytes += this.children[index]?.append(value[this.properties[index] ?? '']) ?? 0;
    }
    return bytes;
  }

  protected fill(): void {
    for (const child of this.children) child.skip();
  }

  override truncate(length: number): void {
    super.truncate(length);
    for (const child of this.children) child.truncate(length);
  }

  data(): Data<Struct> {
    return makeData({ type: this.type, ...this.common(), children: this.children.map((child) => child.data()) });
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function allFinite(vector: Float32Array): boolean {
  // A NaN or an infinity makes the sum one of them; finite float32 values cannot overflow it.
  let sum = 0;
  for (let index = 0; index < vector.length; index += 1) sum += vector[index] ?? 0;
  return Number.isFinite(sum);
}
