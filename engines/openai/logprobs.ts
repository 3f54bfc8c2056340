import type { TokenLogprob } from '../../operators/language-model.js';
import { field } from './json.js';

/**
 * The tokens of a choice or of a part of it, in the shape of chats (`content`, which llama.cpp uses everywhere) or in that of raw
 * completions (`tokens` beside `token_logprobs`); empty where there are none.
 */
export function logprobsIn(choice: unknown): readonly TokenLogprob[] {
  const logprobs = field(choice, 'logprobs');
  const content = field(logprobs, 'content');
  if (Array.isArray(content)) return content.flatMap(ofChat);
  const tokens = field(logprobs, 'tokens');
  if (!Array.isArray(tokens)) return [];
  const values = field(logprobs, 'token_logprobs');
  const tops = field(logprobs, 'top_logprobs');
  return tokens.flatMap((token: unknown, index) => {
    const top = Object.entries(Object(Array.isArray(tops) ? tops[index] : undefined)).flatMap(([name, value]) =>
      pair(name, value),
    );
    return withTop(pair(token, Array.isArray(values) ? values[index] : undefined), top);
  });
}

/** Those of the tokens of a text that was cut: what follows its end is left out. */
export function logprobsOf(tokens: readonly TokenLogprob[], text: string): readonly TokenLogprob[] {
  let start = 0;
  const end = tokens.findIndex(({ token }) => {
    if (start >= text.length) return true;
    start += token.length;
    return false;
  });
  return end === -1 ? tokens : tokens.slice(0, end);
}

function ofChat(entry: unknown): readonly TokenLogprob[] {
  const top = field(entry, 'top_logprobs');
  const tops = Array.isArray(top) ? top.flatMap((each) => pair(field(each, 'token'), field(each, 'logprob'))) : [];
  return withTop(pair(field(entry, 'token'), field(entry, 'logprob')), tops);
}

type Pair = Pick<TokenLogprob, 'token' | 'logprob'>;

function withTop(tokens: readonly Pair[], top: readonly Pair[]): readonly TokenLogprob[] {
  const ranked = [...top].sort((a, b) => b.logprob - a.logprob);
  return tokens.map((token) => (ranked.length === 0 ? token : { ...token, top: ranked }));
}

/** Servers give null where a token has no probability of its own. */
function pair(token: unknown, logprob: unknown): readonly Pair[] {
  return typeof token === 'string' && typeof logprob === 'number' ? [{ token, logprob }] : [];
}
