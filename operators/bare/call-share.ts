import type { Call } from '../../schemas/call.js';

/**
 * What one of `count` texts has of a call that wrote them all: the index-th, from 0. Tokens add up exactly, the first ones having one
 * more where they do not divide; the cost is divided evenly, and the time is the whole call's.
 */
export function shareOf(call: Call, index: number, count: number): Call {
  const part = (whole: number) => Math.floor(whole / count) + (index < whole % count ? 1 : 0);
  return {
    ...call,
    promptTokens: part(call.promptTokens),
    completionTokens: part(call.completionTokens),
    cost: call.cost === null ? null : call.cost / count,
  };
}
