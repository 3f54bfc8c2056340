import { HeadwaterError } from '../../schemas/errors.js';
import type { PayloadReader, RegisteredSchema, SchemaText, SchemaType } from './registered-schema.js';

/** Where schemas come from. Rejects with `schema-unknown` for an id that there is not. */
export type SchemaSource = (id: number, signal: AbortSignal) => Promise<RegisteredSchema>;

interface Known {
  /** An id that there is no reader for has its error. */
  readonly reader: PayloadReader | HeadwaterError;
  /** When it is forgotten, in milliseconds since 1970. */
  readonly until: number;
}

const maxKnown = 1000;
/** An id that is unknown now may be registered soon; it is not asked for again with every message. */
const unknownForMs = 10_000;

/**
 * Readers of payloads by schema id. In memory: the 1,000 ids used last; a schema never changes, an unknown one is asked for again
 * after ten seconds.
 */
export class PayloadReaders {
  readonly #known = new Map<number, Known>();

  constructor(
    private readonly type: SchemaType,
    private readonly source: SchemaSource,
    private readonly now: () => number,
  ) {}

  /** Rejects with `schema-unknown`, and with what `source` rejects with. */
  async of(id: number, signal: AbortSignal): Promise<PayloadReader> {
    const reader = this.#recall(id) ?? this.#keep(id, await this.#load(id, signal));
    if (reader instanceof HeadwaterError) throw reader;
    return reader;
  }

  #recall(id: number): Known['reader'] | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    this.#known.delete(id);
    if (known.until < this.now()) return undefined;
    this.#known.set(id, known);
    return known.reader;
  }

  #keep(id: number, reader: Known['reader']): Known['reader'] {
    const until = reader instanceof HeadwaterError ? this.now() + unknownForMs : Number.POSITIVE_INFINITY;
    this.#known.set(id, { reader, until });
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
    return reader;
  }

  async #load(id: number, signal: AbortSignal): Promise<Known['reader']> {
    try {
      return readerOf(id, this.type, await this.source(id, signal), await makerOf(this.type));
    } catch (error) {
      if (error instanceof HeadwaterError && error.code === 'schema-unknown') return error;
      throw error;
    }
  }
}

type MakeReader = (schema: SchemaText) => PayloadReader;

/** The libraries are loaded with the first schema: a pipeline without a registry never needs them. */
async function makerOf(type: SchemaType): Promise<MakeReader> {
  if (type === 'AVRO') return (await import('./avro-reader.js')).avroReader;
  return (await import('./json-schema-reader.js')).jsonSchemaReader;
}

/** A schema that cannot be read is as good as unknown. Throws `schema-unknown`. */
function readerOf(id: number, expected: SchemaType, schema: RegisteredSchema, make: MakeReader): PayloadReader {
  if (schema.type !== expected) {
    const text = `the schema ${id} is of type ${schema.type}, and the recipe says ${expected}`;
    throw new HeadwaterError('schema-unknown', text);
  }
  const read = unlessFaulty(id, () => make(schema));
  return (payload) => unlessFaulty(id, () => read(payload));
}

/** What the libraries throw themselves comes of the schema: a reference that leads nowhere, a bad pattern. */
function unlessFaulty<T>(id: number, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof HeadwaterError) throw cause;
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
    throw new HeadwaterError('schema-unknown', `the schema ${id} cannot be read: ${reason}`, { cause });
  }
}
