import { HeadwaterError } from '../../schemas/errors.js';
import type { Table } from '../../streams/inputs/table.js';
import type { ChosenColumns } from './choose-columns.js';
import { Skips } from './skips.js';

/** What is read of a row. */
export interface FileRecord {
  /** `file:line`. */
  readonly place: string;
  /** The number of the row, from 0, those that are skipped counted. */
  readonly row: number;
  /** Empty where only vectors are compared. */
  readonly text: string;
  readonly vector: Float32Array | null;
  /** Null where no column of labels was asked for. */
  readonly label: string | null;
}

/** Squared norms this far from 1 are scaled. */
const normTolerance = 1e-3;

/** Rows in, records out; rows that are none are counted in `skips`. Vectors have unit norm. */
export class RecordReader {
  readonly skips = new Skips();
  #normalised = 0;
  #dimensions: number | null = null;

  constructor(
    private readonly table: Table,
    private readonly columns: ChosenColumns,
    /** The column of labels; a row without one is skipped. */
    private readonly labels: string | null = null,
  ) {}

  /** Vectors so far that had another norm than 1. */
  get normalised(): number {
    return this.#normalised;
  }

  /**
   * Once only. Throws `input-unreadable` for a vector with another number of dimensions than the first, or with something in it
   * that is not a finite number.
   */
  async *records(): AsyncGenerator<FileRecord> {
    const { fields, vectors } = this.columns;
    const names = this.table.isPlainText ? ['text'] : fields;
    const beside = [vectors, this.labels].flatMap((name) => name ?? []);
    let rows = 0;
    for await (const { file, entry } of this.table.rows([...new Set([...names, ...beside])])) {
      if (entry.kind === 'skipped') continue;
      const row = rows++;
      const place = `${file}:${entry.line}`;
      if (entry.kind === 'fault') {
        this.skips.add(place, entry.code, entry.message);
        continue;
      }
      const text = this.#text(entry.value, names, place);
      if (text === undefined) continue;
      const label = this.labels === null ? null : this.#label(entry.value, this.labels, place);
      if (label === undefined) continue;
      const vector = vectors === null ? null : this.#vector(entry.value, vectors, place);
      if (vector !== undefined) yield { place, row, text, vector, label };
    }
  }

  #label(row: unknown, column: string, place: string): string | undefined {
    const value = property(row, column);
    if (value === undefined || value === null) return this.#skip(place, 'label-missing', `it has no '${column}'`);
    return textOf(value) ?? this.#skip(place, 'label-not-text', `'${column}' is not a text`);
  }

  /** The fields' texts, each on a line of its own; undefined where the row is skipped. */
  #text(row: unknown, fields: readonly string[], place: string): string | undefined {
    if (fields.length > 0 && (typeof row !== 'object' || row === null || Array.isArray(row))) {
      return this.#skip(place, 'not-an-object', 'expected an object with the field');
    }
    const texts: string[] = [];
    for (const field of fields) {
      const value = property(row, field);
      if (value === undefined || value === null) return this.#skip(place, 'field-missing', `it has no '${field}'`);
      const text = textOf(value);
      if (text === undefined) return this.#skip(place, 'field-not-text', `'${field}' is not a text`);
      texts.push(text);
    }
    if (fields.length > 0 && texts.every((text) => text.trim() === '')) {
      return this.#skip(place, 'text-empty', 'its text is empty');
    }
    return texts.join('\n');
  }

  #vector(row: unknown, column: string, place: string): Float32Array | undefined {
    const value = property(row, column);
    if (value === undefined || value === null) return this.#skip(place, 'vector-missing', `it has no '${column}'`);
    const items = itemsOf(value);
    if (items === undefined) throw wrong(place, `'${column}' is not a list of numbers`);
    const numbers = Float64Array.from(items, (item) => (isNumeric(item) ? Number(item) : Number.NaN));
    this.#dimensions ??= numbers.length;
    if (numbers.length !== this.#dimensions) {
      const message = `'${column}' has ${numbers.length} numbers, and the first vector has ${this.#dimensions}`;
      throw wrong(place, `${message}: vectors of one model have one length`);
    }
    const bad = numbers.findIndex((number) => !Number.isFinite(number));
    if (bad >= 0) {
      throw wrong(
        place,
        `number ${bad} of '${column}' is ${shown(items[bad])}: expected finite numbers, embed the record again`,
      );
    }
    return this.#unit(numbers, place);
  }

  #unit(numbers: Float64Array, place: string): Float32Array | undefined {
    const greatest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
    if (greatest === 0) return this.#skip(place, 'vector-zero', 'its vector has no direction');
    // squares of what is very large or small would not be numbers any more
    const squares = numbers.reduce((sum, number) => sum + (number / greatest) ** 2, 0);
    const norm = greatest * Math.sqrt(squares);
    if (Math.abs(norm ** 2 - 1) > normTolerance) this.#normalised += 1;
    return Float32Array.from(numbers, (number) => number / greatest / Math.sqrt(squares));
  }

  #skip(place: string, reason: string, message: string): undefined {
    this.skips.add(place, reason, message);
  }
}

function property(row: unknown, name: string): unknown {
  return typeof row === 'object' && row !== null && Object.hasOwn(row, name) ? Reflect.get(row, name) : undefined;
}

/** A text with LF line ends; numbers and booleans as JSON writes them. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.includes('\r') ? value.replace(/\r\n?/g, '\n') : value;
  return ['number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : undefined;
}

/** What is in a list, a typed array, or the JSON of a list as CSV has it; undefined for an empty one. */
function itemsOf(value: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(value) || isTypedArray(value)) return value.length === 0 ? undefined : value;
  if (typeof value !== 'string') return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? itemsOf(parsed) : undefined;
  } catch {
    return undefined;
  }
}

function isTypedArray(value: unknown): value is NodeJS.TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** What stands in the place of a number, cut to a few words: `null`, `NaN`, `"high"`. */
function shown(item: unknown): string {
  return (isNumeric(item) ? String(item) : (JSON.stringify(item) ?? 'missing')).slice(0, 40);
}

function wrong(place: string, message: string): HeadwaterError {
  return new HeadwaterError('input-unreadable', `${place}: ${message}`);
}
