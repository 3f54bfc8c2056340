/** A safetensors file of one F16 tensor whose values are all 1 (0x3c00), unless other bits are given. */
export function safetensors(
  shape: readonly [number, number],
  changes: { readonly header?: object; readonly bits?: readonly number[]; readonly name?: string } = {},
): Uint8Array {
  const [rows, dimensions] = shape;
  const bits = changes.bits ?? new Array<number>(rows * dimensions).fill(0x3c00);
  const entry = { dtype: 'F16', shape, data_offsets: [0, rows * dimensions * 2], ...changes.header };
  const header = Buffer.from(JSON.stringify({ [changes.name ?? 'embedding.weight']: entry }));
  const file = Buffer.alloc(8 + header.length + bits.length * 2);
  file.writeBigUInt64LE(BigInt(header.length), 0);
  header.copy(file, 8);
  bits.forEach((value, i) => {
    file.writeUInt16LE(value, 8 + header.length + 2 * i);
  });
  return file;
}

/** A byte-pair tokenizer JSON over `a`, `b`, the space mark and all bytes, with the merges of `merges`. */
export function tokenizerJson(merges: readonly (readonly [string, string])[]): string {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const tokens = ['<unk>', ...bytes, '\u2581', 'a', 'b', ...merges.map(([left, right]) => left + right)];
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: '<unk>', special: true, normalized: false, lstrip: false, rstrip: false }],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '\u2581' },
        { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(' ')),
    },
  });
}
