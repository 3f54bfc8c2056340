/** A part of a compressed stream. */
export interface Block {
  readonly bytes: Uint8Array;
  /** Bytes that it holds decompressed; null where it is not compressed. */
  readonly length: number | null;
}

const magic = 0x184d2204;
const endMark = 0;

/**
 * The blocks of an LZ4 frame. Checksums are passed over, as the batch around the frame has its own. Throws an `Error` for what is
 * no such frame, or has blocks that build on each other.
 */
export function lz4Blocks(frame: Uint8Array): readonly Block[] {
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.byteLength < 7 || view.readUInt32LE(0) !== magic) throw new Error('an LZ4 batch has no LZ4 frame');
  const flags = view.readUInt8(4);
  if (flags >> 6 !== 1) throw new Error(`an LZ4 frame of version ${flags >> 6}: only version 1 is known`);
  if ((flags & 0x20) === 0) throw new Error('an LZ4 frame whose blocks build on each other, which Kafka does not take');
  const maxLength = maxBlockLength((view.readUInt8(5) >> 4) & 7);
  const checksumBytes = flags & 0x10 ? 4 : 0;
  // Flags and block size, then the size of the content and a dictionary where the flags say so, then a checksum.
  let at = 6 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1;
  const blocks: Block[] = [];
  while (true) {
    const head = view.readUInt32LE(at);
    if (head === endMark) return blocks;
    const size = head & 0x7fff_ffff;
    const bytes = view.subarray(at + 4, at + 4 + size);
    if (bytes.byteLength < size) throw new Error('an LZ4 frame is cut within a block');
    const isPlain = head >>> 31 === 1;
    blocks.push({ bytes, length: isPlain ? null : decompressedLength(bytes, maxLength) });
    at += 4 + size + checksumBytes;
  }
}

function maxBlockLength(code: number): number {
  if (code < 4) throw new Error(`an LZ4 frame with the block size ${code}, which does not exist`);
  return 2 ** (8 + 2 * code);
}

/** Adds up what the sequences of a block write, as a frame does not say it. */
function decompressedLength(block: Uint8Array, maxLength: number): number {
  let length = 0;
  let at = 0;
  /** A length of 15 goes on in the next bytes, up to one that is not 255. */
  const extended = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let total = nibble;
    for (let byte = 255; byte === 255; total += byte) byte = block[at++] ?? fail();
    return total;
  };
  while (at < block.byteLength) {
    const token = block[at++] ?? fail();
    const literals = extended(token >> 4);
    at += literals;
    length += literals;
    if (at === block.byteLength) break;
    at += 2;
    length += extended(token & 15) + 4;
    if (at > block.byteLength || length > maxLength) fail();
  }
  return at > block.byteLength || length > maxLength ? fail() : length;
}

function fail(): never {
  throw new Error('an LZ4 block is damaged');
}
