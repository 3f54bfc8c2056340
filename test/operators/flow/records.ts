import type { Call } from '../../../schemas/call.js';
import { recordId } from '../../../schemas/ids.js';
import { type LedgerEntry, ledgerEntrySchema } from '../../../schemas/ledger-entry.js';
import { type Plan, planSchema } from '../../../schemas/plan.js';
import { type Real, realSchema } from '../../../schemas/real.js';
import { type Refined, refinedSchema } from '../../../schemas/refined.js';
import { type Seed, seedSchema } from '../../../schemas/seed.js';
import { type Tick, tickSchema } from '../../../schemas/tick.js';

/** Records of each kind, valid by their schemas, told apart by a number. */
export const domain = { fields: { question: field(), answer: field() } };

export function seedRecord(n: number): Seed {
  return seedSchema.parse({ kind: 'seed', id: recordId('seed', n), fields: texts(n), origin: { line: n + 1 } });
}

export function realRecord(n: number): Real {
  return realSchema.parse({ kind: 'real', id: recordId('real', n), fields: texts(n), origin: { line: n + 1 } });
}

export function callRecord(n: number, changes: Partial<Call> = {}): Call {
  return {
    role: 'base',
    model: 'test/model',
    prompt: 'bare.draft/1/blocks/1',
    temperature: 0.7,
    randomSeed: n,
    promptTokens: 10,
    completionTokens: 5,
    cost: 0.25,
    finishReason: 'stop',
    startedAt: 1000 + n,
    milliseconds: 20.4,
    ...changes,
  };
}

export function planRecord(ordinal: number, changes: Partial<Plan> = {}): Plan {
  return planSchema.parse({
    kind: 'plan',
    id: recordId('plan', ordinal),
    lane: 0,
    ordinal,
    method: 'bare',
    vary: {},
    examples: [{ id: recordId('seed', 0), fields: texts(0) }],
    seedCount: 0,
    randomSeed: ordinal,
    plannedAt: 1000 + ordinal,
    ...changes,
  });
}

export function refinedRecord(ordinal: number, plan: Partial<Plan> = {}, calls = [callRecord(ordinal)]): Refined {
  return refinedSchema.parse({
    kind: 'refined',
    id: recordId('refined', ordinal),
    plan: planRecord(ordinal, plan),
    draft: { id: recordId('draft', ordinal), fields: texts(ordinal) },
    fields: texts(ordinal),
    kept: 'refined',
    calls,
  });
}

export function ledgerRecord(ordinal: number, changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return ledgerEntrySchema.parse({
    kind: 'ledger-entry',
    id: recordId('ledger-entry', ordinal),
    lane: 0,
    ordinal,
    planId: recordId('plan', ordinal),
    subject: recordId('draft', ordinal),
    stage: 'draft',
    outcome: 'dropped',
    reason: 'unparsable',
    promptTokens: 10,
    completionTokens: 5,
    cost: null,
    at: 1000 + ordinal,
    ...changes,
  });
}

export function tickRecord(reason: Tick['reason'], total: number | null = null, lane = 0): Tick {
  return tickSchema.parse({ kind: 'tick', id: recordId('tick', reason, total ?? -1), lane, reason, total, at: 500 });
}

function texts(n: number): Record<string, string> {
  return { answer: `It is ${n}.`, question: `What is ${n}?` };
}

function field() {
  return { minLength: 1, maxLength: 4000 };
}
