import fc from 'fast-check';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { describe, expect, it } from 'vitest';

import { decompressLz4Frame, decompressSnappyStream, registerCodecs } from '../../../streams/kafka/codecs.js';

/** "abcabcabc" and so on: three letters, then a copy of all the rest from three before. */
const repeated = Buffer.from('abc'.repeat(100));

function lz4Frame(flags: number, ...blocks: Buffer[]): Buffer {
  const descriptor = [0x04, 0x22, 0x4d, 0x18, flags, 0x40, ...(flags & 8 ? Array<number>(8).fill(0) : []), 0];
  return Buffer.concat([Buffer.from(descriptor), ...blocks, Buffer.alloc(4)]);
}

function sized(bytes: Buffer, isPlain = false): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE((bytes.byteLength | (isPlain ? 0x8000_0000 : 0)) >>> 0);
  return Buffer.concat([head, bytes]);
}

/** A block that only copies its input. */
function literals(bytes: Uint8Array): Buffer {
  const { byteLength } = bytes;
  if (byteLength < 15) return Buffer.concat([Buffer.from([byteLength << 4]), bytes]);
  const rest = byteLength - 15;
  const lengths = [...Array<number>(Math.floor(rest / 255)).fill(255), rest % 255];
  return Buffer.concat([Buffer.from([0xf0, ...lengths]), bytes]);
}

describe('decompressLz4Frame', () => {
  it('reads compressed and plain blocks, with and without sizes and checksums', () => {
    // 3 letters and a copy of 15 + 4 + 255 + 18 more; a block ends with letters.
    const block = Buffer.from([0x3f, ...Buffer.from('abc'), 3, 0, 255, 18, 0x50, ...Buffer.from('bcabc')]);
    const copied = Buffer.concat([repeated.subarray(0, 3 + 292), Buffer.from('bcabc')]);
    expect(decompressLz4Frame(lz4Frame(0x60, sized(block)))).toEqual(copied);
    expect(decompressLz4Frame(lz4Frame(0x68, sized(block), sized(repeated, true)))).toEqual(
      Buffer.concat([copied, repeated]),
    );
    const checked = Buffer.concat([sized(block), Buffer.from('sum.')]);
    expect(decompressLz4Frame(lz4Frame(0x70, checked, checked))).toEqual(Buffer.concat([copied, copied]));
    expect(decompressLz4Frame(lz4Frame(0x60))).toEqual(Buffer.alloc(0));
  });

  it('reads any bytes in any blocks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 700 }), { maxLength: 5 }), (parts) => {
        const frame = lz4Frame(0x60, ...parts.map((part) => sized(literals(part))));
        expect(decompressLz4Frame(frame)).toEqual(Buffer.concat(parts));
      }),
    );
  });

  it('throws on damage, and ends', () => {
    const frame = lz4Frame(0x60, sized(literals(repeated)));
    for (let end = 0; end < frame.byteLength; end++) expect(() => decompressLz4Frame(frame.subarray(0, end))).toThrow();
    const linked = lz4Frame(0x40, sized(literals(repeated)));
    expect(() => decompressLz4Frame(linked)).toThrow(/build on each other/);
    const endless = lz4Frame(0x60, sized(Buffer.from([0x1f, 1, 1, 0, ...Array<number>(400_000).fill(255), 0])));
    expect(() => decompressLz4Frame(endless)).toThrow(/damaged/);
  });
});

describe('decompressSnappyStream', () => {
  // The length, then a literal: its tag is (length - 1) in the upper six bits.
  const river = Buffer.from([5, 4 << 2, ...Buffer.from('river')]);
  const head = Buffer.from('82534e4150505900' + '00000001' + '00000001', 'hex');

  function framed(block: Buffer): Buffer {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.byteLength);
    return Buffer.concat([size, block]);
  }

  it("reads one bare block, and Xerial's many", () => {
    expect(Buffer.from(decompressSnappyStream(river)).toString()).toBe('river');
    const stream = Buffer.concat([head, framed(river), framed(river)]);
    expect(Buffer.from(decompressSnappyStream(stream)).toString()).toBe('riverriver');
    expect(decompressSnappyStream(head)).toEqual(Buffer.alloc(0));
  });

  it('throws on damage', () => {
    const stream = Buffer.concat([head, framed(river)]);
    for (const wrong of [
      Buffer.alloc(0),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
      river.subarray(0, 4),
      stream.subarray(0, -1),
    ]) {
      expect(() => decompressSnappyStream(wrong)).toThrow();
    }
  });
});

describe('registerCodecs', () => {
  it('refuses to write with what it can only read', async () => {
    registerCodecs();
    for (const type of [CompressionTypes.Snappy, CompressionTypes.LZ4, CompressionTypes.ZSTD] as const) {
      await expect(CompressionCodecs[type]().compress()).rejects.toMatchObject({
        message: expect.stringContaining('topics.compression'),
      });
    }
  });
});
