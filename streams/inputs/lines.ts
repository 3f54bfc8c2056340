import { BoundedPiece } from './bounded-piece.js';
import { decodeUtf8, type Entry, jsonEntry, notUtf8, tooLong } from './entry.js';

/** A physical line, without its line ending. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Only the start where `tooLong`. */
  readonly bytes: Uint8Array;
  readonly tooLong: boolean;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Bytes in, lines out; holds at most one chunk and `maxBytes` of a line. Ends at LF or CRLF, a byte order mark goes. */
export async function* lines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line, void, void> {
  const piece = new BoundedPiece(maxBytes);
  let number = 1;
  const take = (): Line => {
    const { bytes, tooLong } = piece.take();
    const whole = number === 1 ? withoutMark(bytes) : bytes;
    return { number, bytes: whole.at(-1) === carriageReturn && !tooLong ? whole.subarray(0, -1) : whole, tooLong };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      piece.add(chunk.subarray(from, end));
      yield take();
      number += 1;
      from = end + 1;
    }
    piece.add(chunk.subarray(from));
  }
  if (!piece.empty) yield take();
}

/** One JSON value a line. Blank lines are passed over. */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Entry> {
  for await (const line of lines(chunks, maxBytes)) {
    if (line.tooLong) yield tooLong(line.number, line.bytes, maxBytes);
    else if (!isBlank(line.bytes)) yield jsonEntry(line.number, line.bytes);
  }
}

/** One text a line, as the only field of an object. Blank lines are passed over. */
export async function* textLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  field: string,
): AsyncGenerator<Entry> {
  for await (const line of lines(chunks, maxBytes)) {
    if (line.tooLong) yield tooLong(line.number, line.bytes, maxBytes);
    else if (!isBlank(line.bytes)) yield textEntry(line.number, line.bytes, field);
  }
}

/** The whole input as one text, the `text` of an object. */
export async function* wholeText(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Entry> {
  const piece = new BoundedPiece(maxBytes);
  for await (const chunk of chunks) piece.add(chunk);
  const { bytes, tooLong: isTooLong } = piece.take();
  if (isTooLong) yield tooLong(1, bytes, maxBytes);
  else if (!isBlank(bytes)) yield textEntry(1, bytes, 'text');
}

/** Whether there is nothing but white space. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

function textEntry(line: number, bytes: Uint8Array, field: string): Entry {
  const text = decodeUtf8(bytes);
  return text === null ? notUtf8(line, bytes) : { kind: 'value', line, value: { [field]: text }, bytes };
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
