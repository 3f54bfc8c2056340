import type { Call } from '../schemas/call.js';

/** What a call cost and when, and nothing of how it was asked. */
export type PaidCall = Pick<
  Call,
  'promptTokens' | 'completionTokens' | 'cost' | 'reused' | 'startedAt' | 'milliseconds'
>;

/** What model calls came to. */
export interface Spending {
  /** Of all calls, those among them whose answers were reused. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars that were paid: a reused answer costs nothing. Null where a price is not known. */
  readonly cost: number | null;
  /** Calls whose answers were reused. */
  readonly savedCalls: number;
  /** Tokens that those had read and written. */
  readonly savedTokens: number;
  /** What those had cost; null where that is not known. */
  readonly savedCost: number | null;
}

/** Sums over model calls: what was paid for, apart from what others had paid for. */
export function spendingOf(calls: readonly PaidCall[]): Spending {
  const reused = calls.filter((call) => call.reused === true);
  const paid = calls.filter((call) => call.reused !== true);
  return {
    promptTokens: calls.reduce((sum, call) => sum + call.promptTokens, 0),
    completionTokens: calls.reduce((sum, call) => sum + call.completionTokens, 0),
    cost: costOf(paid),
    savedCalls: reused.length,
    savedTokens: reused.reduce((sum, call) => sum + call.promptTokens + call.completionTokens, 0),
    savedCost: costOf(reused),
  };
}

/** The part of a ledger entry about reuse: nothing where nothing was reused. */
export function savings({
  savedCalls,
  savedTokens,
  savedCost,
}: Spending): Partial<Pick<Spending, 'savedCalls' | 'savedTokens' | 'savedCost'>> {
  return savedCalls === 0 ? {} : { savedCalls, savedTokens, savedCost };
}

function costOf(calls: readonly PaidCall[]): number | null {
  return calls.reduce<number | null>((sum, { cost }) => (sum === null || cost === null ? null : sum + cost), 0);
}
