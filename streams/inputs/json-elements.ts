import { BoundedPiece } from './bounded-piece.js';
import { type Entry, jsonEntry, tooLong } from './entry.js';
import { isBlank } from './lines.js';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const lineFeed = 0x0a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** A scan of one JSON array, byte by byte; `depth` is 1 between its elements, and 0 before it and after it. */
interface Scan {
  depth: number;
  inString: boolean;
  escaped: boolean;
  line: number;
  /** Where the current element starts. */
  elementLine: number;
}

/**
 * The bytes of a JSON array in, its elements out, one at a time: the array is never held. A file with one object is read as
 * one element. Holds at most one chunk and `maxBytes` of an element.
 */
export async function* jsonElements(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Entry> {
  const piece = new BoundedPiece(maxBytes);
  const scan: Scan = { depth: 0, inString: false, escaped: false, line: 1, elementLine: 0 };
  let isArray: boolean | null = null;
  let ended = false;

  function* take(): Generator<Entry> {
    const { bytes, tooLong: isTooLong } = piece.take();
    const line = scan.elementLine === 0 ? scan.line : scan.elementLine;
    scan.elementLine = 0;
    if (isTooLong) yield tooLong(line, bytes, maxBytes);
    else if (!isBlank(bytes)) yield jsonEntry(line, bytes);
  }

  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.byteLength; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === lineFeed) scan.line += 1;
      if (isSpace(byte) || isMark(byte, scan)) {
        if (isArray === null) from = at + 1;
        continue;
      }
      if (isArray === null) {
        isArray = byte === openBracket;
        from = isArray ? at + 1 : at;
        if (isArray) {
          scan.depth = 1;
          continue;
        }
      }
      const separates = isArray && !ended && !scan.inString && scan.depth === 1;
      if (separates && (byte === comma || byte === closeBracket)) {
        piece.add(chunk.subarray(from, at));
        from = at + 1;
        ended = byte === closeBracket;
        yield* take();
        continue;
      }
      if (scan.elementLine === 0) scan.elementLine = scan.line;
      step(scan, byte);
    }
    piece.add(chunk.subarray(from));
  }
  yield* rest();

  function* rest(): Generator<Entry> {
    if (isArray === true && !ended) {
      const { bytes } = piece.take();
      const message = 'the array is not closed: the file is cut, or a quote or bracket is missing';
      yield {
        kind: 'fault',
        line: scan.elementLine || scan.line,
        code: 'record-undecodable',
        message,
        bytes,
        cut: true,
      };
    } else {
      yield* take();
    }
  }
}

function step(scan: Scan, byte: number): void {
  if (scan.inString) {
    if (scan.escaped) scan.escaped = false;
    else if (byte === backslash) scan.escaped = true;
    else if (byte === quote) scan.inString = false;
  } else if (byte === quote) {
    scan.inString = true;
  } else if (byte === openBracket || byte === openBrace) {
    scan.depth += 1;
  } else if (byte === closeBracket || byte === closeBrace) {
    scan.depth -= 1;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** A byte order mark before the array. */
function isMark(byte: number, { depth, line, elementLine }: Scan): boolean {
  return depth === 0 && line === 1 && elementLine === 0 && (byte === 0xef || byte === 0xbb || byte === 0xbf);
}
