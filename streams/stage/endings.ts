import type { Outcome } from '../../operators/flow/outcome.js';
import { type PaidCall, savings, spendingOf } from '../../operators/spending.js';
import type { Call } from '../../schemas/call.js';
import type { AnyRecord } from '../../schemas/codec.js';
import { recordId } from '../../schemas/ids.js';
import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Plan } from '../../schemas/plan.js';
import type { Stage } from './stage.js';

/** The ledger entries that an outcome gives rise to: one for each plan's line that it ends. */
export function endings(
  { name: stage, tellsCorrections }: Pick<Stage, 'name' | 'tellsCorrections'>,
  outcome: Outcome<AnyRecord, AnyRecord>,
): readonly LedgerEntry[] {
  switch (outcome.kind) {
    case 'absorbed':
      return [];
    case 'emitted': {
      const correction = outcome.outputs.find(({ kind }) => kind === 'correction');
      const told = tellsCorrections === true && correction !== undefined ? { correction: correction.id } : {};
      return outcome.outputs.flatMap((output) =>
        output.kind === 'sample' ? [{ ...accepted(stage, output), ...told }] : [],
      );
    }
    case 'dropped':
      return ended(stage, outcome.input, 'dropped', outcome.reason, outcome.calls);
    case 'dead':
      return ended(stage, outcome.input, 'dead', outcome.code, outcome.calls);
  }
}

function accepted(stage: string, sample: Extract<AnyRecord, { kind: 'sample' }>): LedgerEntry {
  const { planId, promptTokens, completionTokens, cost } = sample.lineage;
  return {
    kind: 'ledger-entry',
    id: recordId('ledger-entry', planId),
    lane: sample.lane,
    ordinal: sample.ordinal,
    planId,
    subject: sample.id,
    stage,
    ...(sample.label === undefined ? {} : { label: sample.label }),
    outcome: 'accepted',
    promptTokens,
    completionTokens,
    cost,
    ...savings(spendingOf(sample.lineage.calls)),
    at: sample.createdAt,
  };
}

function ended(
  stage: string,
  input: AnyRecord,
  outcome: 'dropped' | 'dead',
  reason: string,
  calls: readonly PaidCall[] = [],
): readonly LedgerEntry[] {
  const line = lineOf(input);
  if (line === undefined) return [];
  const { plan } = line;
  const all = [...line.calls, ...calls];
  const spending = spendingOf(all);
  const { promptTokens, completionTokens, cost } = spending;
  return [
    {
      kind: 'ledger-entry',
      id: recordId('ledger-entry', plan.id),
      lane: plan.lane,
      ordinal: plan.ordinal,
      planId: plan.id,
      subject: input.id,
      stage,
      ...(plan.label === undefined ? {} : { label: plan.label }),
      outcome,
      reason,
      promptTokens,
      completionTokens,
      cost,
      ...savings(spending),
      at: all.reduce((at, call) => Math.max(at, Math.round(call.startedAt + call.milliseconds)), plan.plannedAt),
    },
  ];
}

/** The plan behind a record, and what was spent on it so far; undefined for records of no plan's line. */
function lineOf(input: AnyRecord): { readonly plan: Plan; readonly calls: readonly Call[] } | undefined {
  switch (input.kind) {
    case 'plan':
      return { plan: input, calls: [] };
    case 'reasoned':
      return { plan: input.plan, calls: attributeCalls(input.plan) };
    case 'draft':
    case 'refined':
      return { plan: input.plan, calls: [...attributeCalls(input.plan), ...input.calls] };
    default:
      return undefined;
  }
}

/** A plan's share of the calls that found its attributes. */
function attributeCalls({ attributes }: Plan): readonly Call[] {
  return attributes?.calls ?? [];
}
