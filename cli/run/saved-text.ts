import type { LedgerSums } from '../../streams/river/river-status.js';

/** What the answers of other runs have saved, for people. */
export function savedText({
  savedCalls,
  savedTokens,
  savedCost,
}: Pick<LedgerSums, 'savedCalls' | 'savedTokens' | 'savedCost'>): string {
  const money = savedCost === null ? 'what they cost is unknown' : `$${savedCost.toFixed(4)}`;
  const requests = savedCalls === 1 ? '1 request' : `${savedCalls} requests`;
  return `${requests} and ${savedTokens} tokens, ${money}: answers that were paid for before`;
}
