import { parseJson } from '../../schemas/codec.js';
import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { ForeignTopicConfig } from '../../schemas/recipe.js';
import type { InputKind } from '../inputs/to-record.js';
import { deadLetter } from '../stage/dead-letters.js';
import type { Stage } from '../stage/stage.js';
import { fieldMapping } from './field-mapping.js';
import { patiently } from './patiently.js';
import { PayloadReaders, type SchemaSource } from './payload-readers.js';
import type { SchemaRegistry } from './schema-registry.js';
import { wireMessage } from './wire-format.js';

/** What reading the messages of others needs from outside. */
export interface DecoderParts {
  /** The password of an input's registry; asked for once, before the first schema. What it rejects with ends the stage. */
  readonly registryPassword: (kind: InputKind) => Promise<string>;
  /** Told why a stage waits for its registry, before each new try; and when it goes on, with null. */
  readonly waiting?: (stage: string, why: string | null) => void;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
  /** Between two tries of a registry at first, and at most. @default 250 and 15000 */
  readonly retry?: { readonly firstMs: number; readonly maxMs: number };
}

/** The reason under which messages without a value are dropped: they delete a key of their topic, and are no record. */
export const tombstone = 'tombstone';

type ValueReader = (value: Uint8Array, signal: AbortSignal) => unknown;

/**
 * Reads the messages of a topic of others as records of an input. Rejects with `record-undecodable`, `record-invalid`,
 * `schema-unknown` or `line-invalid` where a message is at fault; waits as long as the registry is unavailable. A
 * tombstone comes out as a dead letter, to be dropped.
 */
export function foreignDecoder(
  stage: string,
  kind: InputKind,
  input: ForeignTopicConfig,
  domain: Domain,
  parts: DecoderParts,
): NonNullable<Stage['decode']> {
  const mapping = fieldMapping(kind, input.map, domain);
  const read = valueReader(stage, kind, input, parts);
  return async (message, signal) => {
    const { value, partition, offset } = message;
    if (value === null) return deadLetter(stage, message, tombstone, 'it has no value');
    return mapping(await read(value, signal), { topic: input.topic, partition, offset });
  };
}

/** Json needs no registry; the others carry the id of their schema. */
function valueReader(stage: string, kind: InputKind, input: ForeignTopicConfig, parts: DecoderParts): ValueReader {
  const { format } = input;
  if (format === 'json') return (value) => parseJson(value);
  const { now = Date.now } = parts;
  const readers = new PayloadReaders(format === 'avro' ? 'AVRO' : 'JSON', schemaSource(stage, kind, input, parts), now);
  return async (value, signal) => {
    const { schemaId, payload } = wireMessage(value);
    const reader = await readers.of(schemaId, signal);
    return reader(payload);
  };
}

/** The registry, asked as often as it takes. */
function schemaSource(stage: string, kind: InputKind, input: ForeignTopicConfig, parts: DecoderParts): SchemaSource {
  const { registryPassword, waiting, retry } = parts;
  const patience = { ...retry, waiting: (why: string | null) => waiting?.(stage, why) };
  let opened: Promise<SchemaRegistry> | undefined;
  return async (id, signal) => {
    opened ??= openRegistry(kind, input, registryPassword);
    const registry = await opened;
    return patiently(() => registry.schema(id, signal), patience, signal);
  };
}

async function openRegistry(
  kind: InputKind,
  { registry, format }: ForeignTopicConfig,
  registryPassword: DecoderParts['registryPassword'],
): Promise<SchemaRegistry> {
  if (registry === undefined) {
    const text = `inputs.${kind}.registry is missing: the format ${format} needs it, such as {url: 'http://127.0.0.1:8081'}`;
    throw new HeadwaterError('recipe-invalid', text);
  }
  const { url, username } = registry;
  const credentials = username === undefined ? undefined : { username, password: await registryPassword(kind) };
  const { SchemaRegistry: Registry } = await import('./schema-registry.js');
  return new Registry({ url, credentials });
}
