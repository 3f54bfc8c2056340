import { binomialInterval } from '../../operators/kernels/binomial-interval.js';
import { type Estimate, type SetDiversity, setDiversity } from '../../operators/quality/set-diversity.js';
import type { ArmRecord, Calls } from './read-arm.js';

/** How the run of an arm ended; `failed` with the code of why. */
export type ArmEnd =
  | { readonly status: 'complete' | 'stopped' | 'budget' | 'not run' }
  | { readonly status: 'failed'; readonly code: string; readonly message: string };

/** What an arm is compared by. */
export interface ArmFigures extends SetDiversity {
  readonly accepted: number;
  /** Plans that ended; without those that nobody needed any more. */
  readonly ended: number;
  /** accepted / ended: null where none ended. */
  readonly usable: Estimate | null;
  /** Why the others did not become samples; `surplus` are not among them. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Among the accepted; what the gate kept out is in `rejected`. */
  readonly exactDuplicates: number;
  readonly nearDuplicates: number;
  /** Rejected as copies of a seed. */
  readonly seedCopies: number;
  readonly calls: Calls;
  /** US dollars that this arm paid; null where a price is not known. */
  readonly cost: number | null;
  /** What the answers that it reused had cost. */
  readonly savedCost: number | null;
}

/** Reasons that say nothing about a text. */
const notJudged = new Set(['surplus']);

/** The figures of an arm, with 95 % intervals: exact ones of the usable rate, of the others over resamples that the seed determines. */
export function armFigures(record: ArmRecord, seed: number): ArmFigures {
  const { ledger, texts, embeddings, exactDuplicates, nearDuplicates, calls } = record;
  const reasons = [...Object.entries(ledger.dropped), ...Object.entries(ledger.dead)];
  const rejected = Object.fromEntries(reasons.filter(([reason]) => !notJudged.has(reason)));
  const ended = ledger.accepted + Object.values(rejected).reduce((sum, n) => sum + n, 0);
  return {
    accepted: ledger.accepted,
    ended,
    usable: ended === 0 ? null : { value: ledger.accepted / ended, interval: binomialInterval(ledger.accepted, ended) },
    rejected,
    exactDuplicates,
    nearDuplicates,
    seedCopies: rejected['seed-copy'] ?? 0,
    ...setDiversity(texts, embeddings, { seed }),
    calls,
    cost: ledger.cost,
    savedCost: ledger.savedCost,
  };
}
