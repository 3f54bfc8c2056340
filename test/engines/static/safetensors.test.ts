import { expect, test } from 'vitest';

import { readTokenTable } from '../../../engines/static/safetensors.js';
import { safetensors } from './tiny-table.js';

test('reads half precision', () => {
  const bits = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3555];
  const { rows, dimensions, values } = readTokenTable(safetensors([3, 2], { bits }), 'embedding.weight');
  expect([rows, dimensions]).toEqual([3, 2]);
  expect([...values]).toEqual([1, -2, 2 ** -24, 65504, -0, 0.333251953125]);
});

test('reads from the middle of a larger buffer, at an odd place', () => {
  const file = safetensors([2, 2]);
  const larger = new Uint8Array(file.byteLength + 1);
  larger.set(file, 1);
  expect([...readTokenTable(larger.subarray(1), 'embedding.weight').values]).toEqual([1, 1, 1, 1]);
});

const whole = safetensors([3, 2]);
const hugeHeader = Buffer.from(whole);
hugeHeader.writeBigUInt64LE(2n ** 62n, 0);

test.each([
  ['empty', new Uint8Array(), 'not a safetensors file'],
  ['a page', Buffer.from('<!doctype html><html></html>'), 'not a safetensors file'],
  ['a huge header', hugeHeader, 'not a safetensors file'],
  ['cut in the header', whole.subarray(0, 20), 'header is cut'],
  ['cut in the data', whole.subarray(0, whole.byteLength - 1), 'it is cut'],
  ['no JSON', Buffer.from(whole).fill('x', 8, 20), 'not JSON'],
  ['another tensor', safetensors([3, 2], { name: 'other' }), 'no tensor embedding.weight'],
  ['another type', safetensors([3, 2], { header: { dtype: 'F32' } }), 'F32'],
  ['one axis', safetensors([3, 2], { header: { shape: [6] } }), 'shape'],
  ['another shape', safetensors([3, 2], { header: { shape: [3, 3] } }), 'size of its shape'],
  ['no rows', safetensors([0, 2]), 'empty'],
  ['not finite', safetensors([1, 2], { bits: [0x3c00, 0x7c00] }), 'value 1'],
  ['no number', safetensors([1, 2], { bits: [0x7e00, 0] }), 'value 0'],
])('refuses what is damaged: %s', (_name, bytes, message) => {
  expect(() => readTokenTable(bytes, 'embedding.weight')).toThrow(
    expect.objectContaining({ code: 'model-damaged', message: expect.stringContaining(message) }),
  );
});
