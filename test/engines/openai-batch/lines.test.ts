import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cappedLines } from '../../../engines/openai-batch/capped-lines.js';
import { customIdOf, requestLine, resultOf } from '../../../engines/openai-batch/lines.js';

describe('a line of results', () => {
  it.each([
    '',
    'null',
    '[]',
    '"text"',
    '{',
    '{"custom_id": 7}',
    '{"custom_id": "a"}',
    '{"custom_id": "a", "response": null, "error": null}',
    '{"custom_id": "a", "response": {"status_code": "ok", "body": {}}}',
    '{"custom_id": "a", "response": {"status_code": 200}}',
  ])('is none where it is %j', (line) => expect(resultOf(line)).toBeUndefined());

  it('has an answer, or the error of the server', () => {
    const answer = { custom_id: 'a', response: { status_code: 200, body: { choices: [] } }, error: null };
    expect(resultOf(JSON.stringify(answer))).toEqual({ customId: 'a', status: 200, body: { choices: [] } });
    const expired = { custom_id: 'a', response: null, error: { code: 'batch_expired', message: 'too late' } };
    expect(resultOf(JSON.stringify(expired))).toEqual({ customId: 'a', status: 503, body: { error: expired.error } });
  });

  it('never throws, whatever it is', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => void resultOf(line)));
    expect(customIdOf(requestLine('a', '/v1/completions', {}))).toBe('a');
  });
});

describe('lines of bytes', () => {
  async function collected<Item>(source: AsyncIterable<Item>): Promise<readonly Item[]> {
    const items: Item[] = [];
    for await (const item of source) items.push(item);
    return items;
  }

  async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
    let from = 0;
    for (const size of sizes) {
      yield bytes.subarray(from, from + size);
      from += size;
    }
    yield bytes.subarray(from);
  }

  it('are the same in whatever pieces they come', async () => {
    const texts = fc.array(
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')),
      { minLength: 1 },
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.integer({ min: 0, max: 9 })), async (lines, sizes) => {
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
        const read = await collected(cappedLines(chunked(bytes, sizes), 1000));
        expect(read).toEqual(lines);
      }),
    );
  });

  it('that are too long are passed over, and the last needs no line end', async () => {
    const bytes = new TextEncoder().encode(`short\n${'x'.repeat(50)}\nlast`);
    expect(await collected(cappedLines(chunked(bytes, [3, 20, 20]), 10))).toEqual(['short', undefined, 'last']);
  });
});
