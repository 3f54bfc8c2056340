import { HeadwaterError } from '../../schemas/errors.js';

/** The whole number that an operator's memory holds under `key`, or `absent`. Throws `HeadwaterError` with code `record-invalid`. */
export function storedCount<Absent>(
  memory: ReadonlyMap<string, unknown>,
  key: string,
  absent: Absent,
): number | Absent {
  const value = memory.get(key);
  if (value === undefined || value === null) return absent;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new HeadwaterError(
    'record-invalid',
    `the memory of an operator holds ${JSON.stringify(value)} under '${key}', where a whole number belongs`,
  );
}
