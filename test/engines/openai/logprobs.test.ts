import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AnswerReader } from '../../../engines/openai/answer.js';
import { logprobsIn, logprobsOf } from '../../../engines/openai/logprobs.js';
import { openai } from '../../../engines/openai/openai.js';
import { startFakeEndpoint } from '../../fake-endpoint/fake-endpoint.mjs';

describe('log probabilities in a choice', () => {
  it('are read in the shape of raw completions', () => {
    const logprobs = {
      tokens: [' a', 'b'],
      token_logprobs: [null, -1],
      top_logprobs: [null, { c: -3, b: -1 }],
      text_offset: [0, 2],
    };
    const top = [
      { token: 'b', logprob: -1 },
      { token: 'c', logprob: -3 },
    ];
    expect(logprobsIn({ logprobs })).toEqual([{ token: 'b', logprob: -1, top }]);
  });

  it('are read in the shape of chats', () => {
    const content = [{ token: 'a', logprob: -0.5, bytes: [97], top_logprobs: [{ token: 'a', logprob: -0.5 }] }];
    expect(logprobsIn({ logprobs: { content } })).toEqual([
      { token: 'a', logprob: -0.5, top: [{ token: 'a', logprob: -0.5 }] },
    ]);
    expect(logprobsIn({ logprobs: { content: [{ token: 'a', logprob: -0.5 }] } })).toEqual([
      { token: 'a', logprob: -0.5 },
    ]);
  });

  it('are none where there are none, whatever is there', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (logprobs) => {
        for (const { token, logprob } of logprobsIn({ logprobs }))
          expect([typeof token, typeof logprob]).toEqual(['string', 'number']);
      }),
    );
  });

  it('end where the text was cut', () => {
    const tokens = ['one', ' END', ' two'].map((token) => ({ token, logprob: -1 }));
    expect(logprobsOf(tokens, 'one ')).toEqual(tokens.slice(0, 2));
    expect(logprobsOf(tokens, 'one')).toEqual(tokens.slice(0, 1));
    expect(logprobsOf(tokens, '')).toEqual([]);
    expect(logprobsOf(tokens, 'one END two')).toEqual(tokens);
  });
});

it('cached prompt tokens are read, and absent where the server does not say', () => {
  const read = (usage: unknown) => {
    const reader = new AnswerReader();
    reader.read(JSON.stringify({ choices: [{ text: 'a', finish_reason: 'stop' }], usage }));
    return reader.end().cachedTokens;
  };
  expect(read({ prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 4 } })).toBe(4);
  expect(read({ prompt_tokens: 9, prompt_tokens_details: null })).toBeUndefined();
  expect(read({ prompt_tokens: 9, prompt_tokens_details: { cached_tokens: -4 } })).toBeUndefined();
});

it('an engine gives them where they are asked for, streamed or not, raw or in a conversation', async () => {
  for (const stream of [true, false]) {
    const server = await startFakeEndpoint({ logprobs: true, stream, answer: () => ({ text: 'one two three' }) });
    const model = openai({ url: server.url, model: 'm', price: { input: 2, cachedInput: 1, output: 0 } });
    const sampling = { temperature: 0, maxTokens: 9 };
    const raw = await model.complete({ ...sampling, prompt: 'a', logprobs: 1 });
    const said = await model.chat({ ...sampling, messages: [{ role: 'user', content: 'a' }], logprobs: 0 });
    for (const { text, logprobs = [] } of [raw, said]) {
      expect(logprobs.map(({ token }) => token).join('')).toBe(text);
      for (const { logprob, top } of logprobs) expect([logprob <= 0, top?.length]).toEqual([true, 1]);
    }
    expect(await model.complete({ ...sampling, prompt: 'a' })).not.toHaveProperty('logprobs');
    await model.close();
    await server.close();
  }
});
