import fc from 'fast-check';
import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { chain } from '../../../operators/flow/chain.js';
import { inPlanOrder } from '../../../operators/flow/in-plan-order.js';
import { quota } from '../../../operators/flow/quota.js';
import { scoped } from '../../../operators/flow/scoped.js';
import { gate } from '../../../operators/quality/gate.js';
import { measure } from '../../../operators/quality/measure.js';
import { embed } from '../../../operators/synalign/embed.js';
import type { EmbeddedReal } from '../../../operators/synalign/embedded-real.js';
import { rollingMmd } from '../../../operators/synalign/mmd/rolling-mmd.js';
import { sampled } from '../../../operators/synalign/sampled.js';
import type { AnyRecord } from '../../../schemas/codec.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { domain, ledgerRecord, realRecord, refinedRecord, seedRecord, tickRecord } from '../flow/records.js';
import { HashingEmbedder } from './hashing-embedder.js';

type Flowing = AnyRecord | EmbeddedReal;

/** The operators that turn refined texts into weighed samples, as one stage runs them. */
function align(memory: ReadonlyMap<string, unknown> = new Map()) {
  const embedder = new HashingEmbedder(8);
  const mmd = { embedder, lane: 0, seed: 1, window: 4, frequencies: 8, every: 2 };
  const gateOptions = {
    domain: { ...domain, about: 'Sums.', vary: {} },
    seedOverlap: 0.6,
    dedupe: { semantic: 'off' } as const,
  };
  const measuring = { embedder, lane: 0, seed: 1, every: 4, window: 8 };
  return chain(
    scoped('order', memory, (own) => inPlanOrder({ memory: own, lane: 0 })),
    embed({ embedder, domain, maxBatch: 3, drafts: true }),
    scoped('gate', memory, (own) => gate<Flowing>({ ...gateOptions, memory: own })),
    scoped('quota', memory, (own) => quota<Flowing>({ memory: own, lane: 0 })),
    sampled(),
    scoped('mmd', memory, (own) => rollingMmd({ ...mmd, memory: own })),
    scoped('measure', memory, (own) => measure({ ...measuring, memory: own })),
  );
}

/** Edited, so that it is no copy of the seed. */
function refined(ordinal: number, seedCount: number): AnyRecord {
  const fields = { question: `How much is ${ordinal} and one?`, answer: `Together ${ordinal} and one make more.` };
  return { ...refinedRecord(ordinal, { seedCount }), fields };
}

/** Real records and a target first, then the lines of a lane in any order. */
const runs = fc
  .record({ total: fc.nat(12), dropped: fc.array(fc.boolean(), { maxLength: 16 }), seedCount: fc.nat(1) })
  .chain(({ total, dropped, seedCount }) => {
    const first = [...Array.from({ length: 5 }, (_, n) => realRecord(n)), tickRecord('target', total)];
    const lines = dropped.map((isDropped, ordinal) =>
      isDropped ? ledgerRecord(ordinal) : refined(ordinal, seedCount),
    );
    const rest: AnyRecord[] = [seedRecord(0), ...lines];
    return fc.shuffledSubarray(rest, { minLength: rest.length }).map((shuffled) => ({ total, first, shuffled, rest }));
  });

describe('the operators of the align stage', () => {
  operatorContract({ make: align, inputs: runs.map(({ first, shuffled }) => [...first, ...shuffled]) });

  test('any order of arrival gives the same samples and corrections, and never more than the target', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ total, first, shuffled, rest }) => {
        const lines = await samplesOf([...first, ...shuffled]);
        expect(lines).toEqual(await samplesOf([...first, ...rest]));
        const refined = rest.filter(({ kind }) => kind === 'refined').length;
        const reached = Math.min(refined, total);
        expect(lines.filter(({ kind }) => kind === 'sample').length).toBe(reached);
        expect(lines.filter(({ kind }) => kind === 'correction').length).toBe(Math.max(0, Math.floor(reached / 2) - 1));
        expect(lines.some(({ kind }) => kind === 'tick')).toBe(refined >= total && total > 0);
      }),
    );
  });
});

async function samplesOf(records: readonly AnyRecord[]) {
  const outcomes = await outcomesOf(align(), from(records));
  const complete = outcomes.filter(({ input }) => input.kind === 'refined' || input.kind === 'ledger-entry');
  return complete.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
}
