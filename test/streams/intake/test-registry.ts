/** A schema registry that a test fills; the same tests run on one made here and on a real one. */
export interface TestRegistry {
  readonly url: string;
  /** Registers the next version of a subject; resolves with the schema's id. */
  register(subject: string, schema: NewSchema): Promise<number>;
  stop(): Promise<void>;
}

export interface NewSchema {
  readonly type: 'AVRO' | 'JSON' | 'PROTOBUF';
  readonly schema: unknown;
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[];
}

/** A payload in the wire format: a zero byte, the schema's id in four bytes, the payload. */
export function inWireFormat(schemaId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(schemaId, 1);
  return Buffer.concat([head, payload]);
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
