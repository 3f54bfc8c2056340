import type { Domain } from '../../schemas/domain.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { recordId } from '../../schemas/ids.js';
import { type InputKind, type InputRecords, Misfit, requiredKeys, toRecord } from '../inputs/to-record.js';
import { parsePath, type ValuePath, valueAt } from './value-path.js';

/** Where a message lies on a topic of others, by the name that they know. */
export interface ForeignPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A decoded message as a record of ours. Throws `line-invalid`, naming the path or field that is at fault. */
export type FieldMapping = (value: unknown, place: ForeignPlace) => InputRecords[InputKind];

interface MappedField {
  readonly name: string;
  readonly text: string;
  readonly path: ValuePath;
  readonly required: boolean;
}

/**
 * What takes the fields of records out of decoded messages: `map` has a path for each field. The id of a record is a hash of
 * its place, so a message read twice is one record. Throws `recipe-invalid` for a path that is none.
 */
export function fieldMapping(kind: InputKind, map: Readonly<Record<string, string>>, domain: Domain): FieldMapping {
  const required = requiredKeys(kind, domain);
  const fields = Object.entries(map).map(
    ([name, text]): MappedField => ({ name, text, path: parsePath(text), required: required.includes(name) }),
  );
  return (value, place) => {
    const { topic, partition, offset } = place;
    const mapped = Object.fromEntries(fields.map((field) => [field.name, taken(value, field)]));
    const record = asRecord(kind, mapped, domain, place);
    return { ...record, id: recordId(kind, topic, partition, offset), origin: { topic, partition, offset } };
  };
}

function taken(value: unknown, { name, text, path, required }: MappedField): unknown {
  const found = valueAt(value, path);
  if (found === undefined || found === null) {
    if (!required) return undefined;
    throw new HeadwaterError('line-invalid', `there is nothing at ${text}, which the field '${name}' is taken from`);
  }
  if (!isText(found)) {
    const what = `at ${text}, which the field '${name}' is taken from, is ${describe(found)}`;
    throw new HeadwaterError('line-invalid', `${what}: expected a text, a number or a boolean`);
  }
  return found;
}

function asRecord(kind: InputKind, mapped: object, domain: Domain, { topic, offset }: ForeignPlace) {
  try {
    return toRecord(kind, mapped, domain, { file: topic, line: offset });
  } catch (error) {
    if (error instanceof Misfit) throw new HeadwaterError('line-invalid', error.message);
    throw error;
  }
}

function isText(value: unknown): boolean {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return value instanceof Uint8Array ? 'bytes' : 'an object';
}
