import type { DeadLetter } from '../../schemas/dead-letter.js';
import { recordId } from '../../schemas/ids.js';
import { decodeUtf8, type FaultEntry } from './entry.js';

/** Bytes of a line that its dead letter holds. */
const maxValueBytes = 64 * 1024;

/** The stage that dead letters of input lines name. */
export const loadStage = 'load';

/** An input line that cannot be a record, as the dead letter that keeps it. */
export function deadLine(fault: FaultEntry, file: string, at: number): DeadLetter {
  const kept = wholeCharacters(fault.bytes, maxValueBytes);
  const text = decodeUtf8(kept);
  return {
    kind: 'dead-letter',
    id: recordId('dead-letter', loadStage, file, fault.line, fault.code),
    stage: loadStage,
    code: fault.code,
    message: `${file}:${fault.line}: ${fault.message}`,
    origin: { file, line: fault.line },
    key: null,
    headers: {},
    value: text ?? Buffer.from(kept).toString('base64'),
    encoding: text === null ? 'base64' : 'utf8',
    cut: fault.cut || kept.byteLength < fault.bytes.byteLength,
    at,
  };
}

/** At most `limit` bytes, not ending within a UTF-8 character. */
function wholeCharacters(bytes: Uint8Array, limit: number): Uint8Array {
  if (bytes.byteLength < limit) return bytes;
  let end = limit;
  for (let back = 1; back <= 3; back += 1) {
    const byte = bytes[limit - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      end = limit - back;
      break;
    }
  }
  return bytes.subarray(0, end);
}
