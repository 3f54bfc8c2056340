/** A schema as the registry has it, and those that it refers to, the referenced before the referring. */
export interface SchemaText {
  readonly schema: string;
  readonly references: readonly ReferencedSchema[];
}

export interface ReferencedSchema {
  /** By which other schemas call it: a type of Avro, a `$ref` of JSON Schema. */
  readonly name: string;
  readonly schema: string;
}

/** The types of schemas that can be read. */
export type SchemaType = 'AVRO' | 'JSON';

export interface RegisteredSchema extends SchemaText {
  /** As the registry says it: `AVRO`, `JSON`, `PROTOBUF`. */
  readonly type: string;
}

/** The value in a payload. Throws `record-undecodable` or `record-invalid`. */
export type PayloadReader = (payload: Buffer) => unknown;
