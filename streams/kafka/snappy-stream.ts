import type { Block } from './lz4-frame.js';

/** Java's writer puts this, and two version numbers, before its blocks. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeadBytes = 16;
/** Three bytes copy 64 at most, so a block that claims more is damaged. */
const maxRatio = 64 / 3;

/** The blocks of a Snappy stream: those behind Xerial's head, or all bytes as one. Throws an `Error` where one is cut. */
export function snappyBlocks(stream: Uint8Array): readonly Block[] {
  const view = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength);
  if (!view.subarray(0, xerialMagic.byteLength).equals(xerialMagic)) return [block(view)];
  const blocks: Block[] = [];
  for (let at = xerialHeadBytes; at < view.byteLength; ) {
    const size = view.readUInt32BE(at);
    const bytes = view.subarray(at + 4, at + 4 + size);
    if (bytes.byteLength < size) throw new Error('a Snappy batch is cut within a block');
    blocks.push(block(bytes));
    at += 4 + size;
  }
  return blocks;
}

function block(bytes: Uint8Array): Block {
  return { bytes, length: decompressedLength(bytes) };
}

/** A varint before the block. */
function decompressedLength(bytes: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80 && length <= maxRatio * bytes.byteLength) return length;
  }
  throw new Error('a Snappy block is damaged: it does not say how long it is');
}
