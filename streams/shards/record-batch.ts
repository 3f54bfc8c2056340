import { DataType, type Field, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';

import { propertyOf } from '../../schemas/arrow.js';
import { type Column, Float64Column, Int32Column, Int64Column, Utf8Column } from './column.js';
import { BoolColumn, isObject, ListColumn, StructColumn, VectorColumn } from './nested-column.js';

/** Reads what a row has for a column. */
export type Read<Row> = (row: Row) => unknown;

/**
 * Rows in, Arrow record batches out: column writers are compiled once from the schema and their buffers are used again.
 *
 * Memory: the buffers of the largest batch so far.
 */
export class RecordBatchBuilder<Row> {
  readonly #columns: readonly Column[];
  readonly #reads: readonly Read<Row>[];
  #bytes = 0;

  /** `read` says how a row is read for the column of this name. */
  constructor(
    readonly schema: Schema,
    read: (column: string) => Read<Row>,
  ) {
    this.#columns = schema.fields.map((field) => compile(field, field.name));
    this.#reads = schema.fields.map((field) => read(field.name));
  }

  get rows(): number {
    return this.#columns[0]?.length ?? 0;
  }

  /** What the rows take in memory, a function of the rows alone. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends a row. Throws `HeadwaterError` with code `value-unencodable`, and then nothing has changed. */
  append(row: Row): void {
    const { rows } = this;
    let bytes = 0;
    try {
      for (let index = 0; index < this.#columns.length; index += 1) {
        bytes += this.#columns[index]?.append(this.#reads[index]?.(row)) ?? 0;
      }
    } catch (error) {
      for (const column of this.#columns) column.truncate(rows);
      throw error;
    }
    this.#bytes += bytes;
  }

  /** The rows so far. It must be written before the next append, which uses its buffers again. */
  batch(): RecordBatch {
    const { rows } = this;
    const children = this.#columns.map((column) => column.data());
    const data = makeData({ type: new Struct(this.schema.fields), length: rows, nullCount: 0, children });
    return new RecordBatch(this.schema, data);
  }

  /** Forgets all rows. */
  clear(): void {
    for (const column of this.#columns) column.truncate(0);
    this.#bytes = 0;
  }
}

function compile(field: Field, path: string): Column {
  const type: DataType = field.type;
  const { nullable } = field;
  if (DataType.isUtf8(type)) return new Utf8Column(type, path, nullable);
  if (DataType.isInt(type) && type.bitWidth === 32) return new Int32Column(type, path, nullable);
  if (DataType.isInt(type) && type.bitWidth === 64) return new Int64Column(type, path, nullable);
  if (DataType.isTimestamp(type)) return new Int64Column(type, path, nullable);
  if (DataType.isFloat(type) && type.precision === 2) return new Float64Column(type, path, nullable);
  if (DataType.isBool(type)) return new BoolColumn(type, path, nullable);
  if (DataType.isFixedSizeList(type) && DataType.isFloat(type.valueType)) {
    return new VectorColumn(type, path, nullable);
  }
  if (DataType.isList(type)) {
    return new ListColumn(type, compile(type.valueField, path), arrayElements, path, nullable);
  }
  if (DataType.isMap(type)) return new ListColumn(type, compileEntry(type.children[0], path), entries, path, nullable);
  if (DataType.isStruct(type)) {
    const children = type.children.map((child) => compile(child, `${path}.${child.name}`));
    const properties = type.children.map((child) => propertyOf(child.name));
    return new StructColumn(type, children, properties, path, nullable);
  }
  throw new TypeError(`the column '${path}' has the type ${String(type)}, which has no writer`);
}

function compileEntry(entry: Field | undefined, path: string): Column {
  if (entry === undefined) throw new TypeError(`the map '${path}' has no entries`);
  return compile(entry, path);
}

function arrayElements(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function entries(value: unknown): readonly unknown[] | undefined {
  if (!isObject(value)) return undefined;
  return Object.entries(value).map(([key, held]) => ({ key, value: held }));
}
