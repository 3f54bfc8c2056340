import type { Call } from '../../schemas/call.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Verdict } from '../../schemas/verdict.js';
import type { Changes } from '../flow/outcome.js';
import { storedCount } from '../flow/stored-count.js';
import { SequentialRate, type SequentialRateState } from '../kernels/sequential/sequential-rate.js';
import { spendingOf } from '../spending.js';

/** The share of samples that a judge who guesses among four does not find. */
export const guessedRate = 0.75;

/** All that a judge has said of a lane, in numbers; the memory has the same. */
export class JudgeRecord {
  readonly #alpha: number;
  readonly #rate: SequentialRate;
  #unreadable: number;
  #spent: Verdict['spent'];

  /** Throws `HeadwaterError` with code `record-invalid` where the memory is damaged. */
  constructor(alpha: number, memory: ReadonlyMap<string, unknown>) {
    this.#alpha = alpha;
    this.#rate = new SequentialRate({ null: guessedRate, alpha }, storedRate(memory.get('rate')));
    this.#unreadable = storedCount(memory, 'unreadable', 0);
    this.#spent = storedSpent(memory.get('spent'));
  }

  /** Takes what one sample's judgement came to; what was spent counts whatever came of it. */
  take(outcome: Verdict['outcome'] | 'dead', calls: readonly Call[]): void {
    if (outcome === 'unreadable') this.#unreadable++;
    else if (outcome !== 'dead') this.#rate.observe(outcome === 'disguised');
    const [before, now] = [this.#spent, spendingOf(calls)];
    this.#spent = {
      calls: before.calls + calls.length,
      promptTokens: before.promptTokens + now.promptTokens,
      completionTokens: before.completionTokens + now.completionTokens,
      cost: sumOrNull(before.cost, now.cost),
      savedCalls: before.savedCalls + now.savedCalls,
      savedTokens: before.savedTokens + now.savedTokens,
      savedCost: sumOrNull(before.savedCost, now.savedCost),
    };
  }

  get spent(): Verdict['spent'] {
    return this.#spent;
  }

  get running(): Verdict['running'] {
    const { count, successes, logBelow, logAbove, peakBelow, peakAbove } = this.#rate.state;
    return {
      judged: count,
      disguised: successes,
      unreadable: this.#unreadable,
      rate: this.#rate.rate,
      alpha: this.#alpha,
      interval: this.#rate.interval(),
      logDetectable: logBelow,
      logModeSeeking: logAbove,
      peakDetectable: peakBelow,
      peakModeSeeking: peakAbove,
      decision: decisions[this.#rate.decision],
    };
  }

  /** What the memory must hold from now on. */
  get changes(): Changes {
    return [
      ['rate', this.#rate.state],
      ['unreadable', this.#unreadable],
      ['spent', this.#spent],
    ];
  }
}

const decisions = { undecided: 'undecided', below: 'detectable', above: 'mode-seeking' } as const;
const rateNames = ['count', 'successes', 'logEvidence', 'logBelow', 'logAbove', 'peakBelow', 'peakAbove'] as const;

function storedRate(stored: unknown): SequentialRateState | undefined {
  if (stored === undefined) return undefined;
  if (!isRate(stored)) throw damaged(stored);
  return stored;
}

function storedSpent(stored: unknown): Verdict['spent'] {
  if (stored === undefined) return { calls: 0, ...spendingOf([]) };
  if (!isSpent(stored)) throw damaged(stored);
  return stored;
}

function isRate(value: unknown): value is SequentialRateState {
  if (typeof value !== 'object' || value === null) return false;
  const decision: unknown = Reflect.get(value, 'decision');
  return (
    rateNames.every((name) => Number.isFinite(Reflect.get(value, name))) &&
    Object.keys(decisions).some((known) => known === decision)
  );
}

function isSpent(value: unknown): value is Verdict['spent'] {
  if (typeof value !== 'object' || value === null) return false;
  const counts = ['calls', 'promptTokens', 'completionTokens', 'savedCalls', 'savedTokens'];
  const costs = ['cost', 'savedCost'].map((name): unknown => Reflect.get(value, name));
  return (
    counts.every((name) => Number.isSafeInteger(Reflect.get(value, name))) &&
    costs.every((cost) => cost === null || Number.isFinite(cost))
  );
}

/** Null, which stands for what is not known, makes the sum unknown. */
function sumOrNull(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function damaged(stored: unknown): HeadwaterError {
  return new HeadwaterError('record-invalid', `the memory of a judge holds ${JSON.stringify(stored)}`);
}
