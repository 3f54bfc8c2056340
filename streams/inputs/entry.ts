/** What a format finds at one place of an input: a value, bytes that it cannot read, or something left out on purpose. */
export type Entry = ValueEntry | FaultEntry | SkippedEntry;

export interface ValueEntry {
  readonly kind: 'value';
  /** From 1: the line where it starts; the row of a table, the object of a module. */
  readonly line: number;
  readonly value: unknown;
  /** The bytes that it was read from, where there are any. */
  readonly bytes?: Uint8Array;
}

export interface FaultEntry {
  readonly kind: 'fault';
  readonly line: number;
  readonly code: FaultCode;
  readonly message: string;
  readonly bytes: Uint8Array;
  /** Whether `bytes` is only the start of what was there. */
  readonly cut: boolean;
}

export interface SkippedEntry {
  readonly kind: 'skipped';
  /** In kebab-case; counted. */
  readonly reason: string;
}

export type FaultCode = 'line-invalid' | 'line-too-long' | 'record-too-large' | 'record-undecodable';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The text in UTF-8 bytes, without a byte order mark; null where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** The fault of bytes that are longer than the limit; the bytes are their start. */
export function tooLong(line: number, bytes: Uint8Array, maxBytes: number): FaultEntry {
  const message = `it is longer than ${maxBytes} bytes: shorten or split it`;
  return { kind: 'fault', line, code: 'line-too-long', message, bytes, cut: true };
}

/** The fault of bytes that are not UTF-8. */
export function notUtf8(line: number, bytes: Uint8Array): FaultEntry {
  const message = 'it is not UTF-8 text: convert the file to UTF-8';
  return { kind: 'fault', line, code: 'record-undecodable', message, bytes, cut: false };
}

/** The JSON value in bytes as an entry, or the fault that they are not UTF-8 JSON. */
export function jsonEntry(line: number, bytes: Uint8Array): ValueEntry | FaultEntry {
  const text = decodeUtf8(bytes);
  if (text === null) return notUtf8(line, bytes);
  try {
    return { kind: 'value', line, value: JSON.parse(text), bytes };
  } catch (error) {
    const message = `it is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: 'fault', line, code: 'record-undecodable', message, bytes, cut: false };
  }
}
