import fc from 'fast-check';
import type { Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';

import { Answer, type AnswerOptions } from '../../../engines/llama/answer.js';

const end = 256;
const utf8 = new TextDecoder();

/** A vocabulary of single bytes, the worst case for characters that are cut between tokens. */
function bytewise(options: Partial<AnswerOptions> = {}): Answer {
  return new Answer({
    detokenize: (tokens) => utf8.decode(Uint8Array.from(tokens)),
    isEnd: (token) => token === end,
    before: [],
    stop: [],
    maxTokens: 10_000,
    ...options,
  });
}

function tokensOf(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function fed(answer: Answer, tokens: readonly number[]): Answer {
  for (const token of tokens as readonly Token[]) if (answer.push(token)) break;
  return answer;
}

const texts = fc
  .string({ unit: 'binary', maxLength: 60 })
  .filter((text) => !text.includes('\uFFFD') && !text.startsWith('\uFEFF'));

describe('Answer', () => {
  it('puts characters together that are cut between tokens', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const answer = fed(bytewise(), [...tokensOf(text), end]);
        expect(answer.text).toBe(text);
        expect(answer.finishReason).toBe('stop');
        expect(answer.tokens).toBe(tokensOf(text).length + 1);
      }),
    );
  });

  it('ends before the first stop text, however the tokens cut it', () => {
    fc.assert(
      fc.property(
        texts,
        fc.array(
          texts.filter((stop) => stop !== ''),
          { minLength: 1, maxLength: 3 },
        ),
        texts,
        (head, stop, tail) => {
          const text = head + (stop[0] ?? '') + tail;
          const answer = fed(bytewise({ stop }), [...tokensOf(text), end]);
          expect(answer.text).toBe(
            text.slice(0, Math.min(...stop.map((one) => text.indexOf(one)).filter((at) => at >= 0))),
          );
          expect(answer.finishReason).toBe('stop');
        },
      ),
    );
  });

  it('leaves out a character that the limit cuts', () => {
    const answer = fed(bytewise({ maxTokens: 5 }), tokensOf('né🙂'));
    expect(answer).toMatchObject({ text: 'né', finishReason: 'length', tokens: 5 });
  });

  it('says stop where the last allowed token is the end', () => {
    expect(fed(bytewise({ maxTokens: 3 }), [...tokensOf('ab'), end])).toMatchObject({
      text: 'ab',
      finishReason: 'stop',
    });
  });

  it('keeps what follows bytes that are no character', () => {
    expect(fed(bytewise(), [0xff, 0xfe, 0x61, end]).text).toBe('\uFFFD\uFFFDa');
  });

  it('gives the tokens before as context', () => {
    const seen: number[][] = [];
    const answer = bytewise({
      before: [1, 2, 3, 4, 5] as Token[],
      detokenize: (tokens, before) => {
        seen.push([...before]);
        return utf8.decode(Uint8Array.from(tokens));
      },
    });
    fed(answer, tokensOf('ab'));
    expect(seen).toEqual([
      [2, 3, 4, 5],
      [3, 4, 5, 97],
    ]);
  });
});
