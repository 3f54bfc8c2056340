import { compressors, decompressLz4Raw, decompressSnappy, decompressZstd } from 'hyparquet-compressors';
import kafkajs from 'kafkajs';

import { HeadwaterError } from '../../schemas/errors.js';
import { type Block, lz4Blocks } from './lz4-frame.js';
import { snappyBlocks } from './snappy-stream.js';

// Node sees no such names on a CommonJS module that spreads its exports.
const { CompressionCodecs, CompressionTypes } = kafkajs;

type Decompress = (bytes: Uint8Array) => Uint8Array;

/** With its WebAssembly loaded once instead of for each block. */
const decompressSnappyBlock = compressors.SNAPPY ?? decompressSnappy;

/**
 * Lets kafkajs read batches that others compressed with Snappy, LZ4 or zstd; gzip it reads itself. We write with none or gzip: to
 * compress with the others is refused. A batch that is not what it says makes its reader throw an `Error`.
 */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = reading('Snappy', decompressSnappyStream);
  CompressionCodecs[CompressionTypes.LZ4] = reading('LZ4', decompressLz4Frame);
  CompressionCodecs[CompressionTypes.ZSTD] = reading('zstd', (bytes) => decompressZstd(bytes));
}

/** Java's and librdkafka's Snappy: blocks behind a head of Xerial's, or one bare block. */
export function decompressSnappyStream(bytes: Uint8Array): Uint8Array {
  return joined(snappyBlocks(bytes), decompressSnappyBlock);
}

/** An LZ4 frame of independent blocks, the only kind that Kafka takes. */
export function decompressLz4Frame(bytes: Uint8Array): Uint8Array {
  return joined(lz4Blocks(bytes), decompressLz4Raw);
}

function reading(name: string, decompress: Decompress) {
  const codec = {
    compress: async () => {
      const text = `${name} is read, not written: set topics.compression to gzip or none in the recipe`;
      throw new HeadwaterError('recipe-invalid', text);
    },
    decompress: async (bytes: Uint8Array) => {
      const { buffer, byteOffset, byteLength } = decompress(bytes);
      return Buffer.from(buffer, byteOffset, byteLength);
    },
  };
  return () => codec;
}

function joined(
  blocks: readonly Block[],
  decompressBlock: (bytes: Uint8Array, length: number) => Uint8Array,
): Uint8Array {
  return Buffer.concat(blocks.map(({ bytes, length }) => (length === null ? bytes : decompressBlock(bytes, length))));
}
