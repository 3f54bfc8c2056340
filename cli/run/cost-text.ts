import type { LedgerSums } from '../../streams/river/river-status.js';

/** Such as `$0.2500 ($0.0013 an accepted sample)`, or `unknown`: a price that is missing is never 0. */
export function costText(cost: number | null, accepted: number): string {
  if (cost === null) return 'unknown';
  if (cost === 0) return '$0';
  return accepted === 0 ? usd(cost) : `${usd(cost)} (${usd(cost / accepted)} an accepted sample)`;
}

/** Such as `83 % of 12 plans; draft: cut 1; align: copied 1`. */
export function yieldText({ accepted, ended, endings }: Pick<LedgerSums, 'accepted' | 'ended' | 'endings'>): string {
  if (ended === 0) return 'not known: no plan has ended';
  const stages = Object.entries(endings).map(([stage, reasons]) => {
    return `; ${stage}: ${Object.entries(reasons)
      .map(([reason, n]) => `${reason} ${n}`)
      .join(', ')}`;
  });
  return `${((100 * accepted) / ended).toFixed(0)} % of ${ended} plans${stages.join('')}`;
}

function usd(amount: number): string {
  return `$${amount < 0.001 && amount > 0 ? amount.toPrecision(2) : amount.toFixed(4)}`;
}
