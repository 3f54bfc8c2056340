import { expect } from 'vitest';

import type { LedgerEntry } from '../../schemas/ledger-entry.js';
import type { Plan } from '../../schemas/plan.js';
import type { Sample } from '../../schemas/sample.js';
import type { RunRead } from './read-run.js';
import { badLines, realRecords } from './scene.js';

/** Whether a pipeline that was interrupted has done exactly what an uninterrupted one does, but for times. */
export function checkEqual(run: RunRead, uninterrupted: RunRead): void {
  expect(run.plans.map((lane) => lane.map(withoutTime))).toEqual(
    uninterrupted.plans.map((lane) => lane.map(withoutTime)),
  );
  expect(run.samples.map((lane) => lane.map(timeless))).toEqual(
    uninterrupted.samples.map((lane) => lane.map(timeless)),
  );
  for (const [lane, entries] of run.ledger.entries()) {
    const last = Math.max(...(run.samples[lane] ?? []).map(({ ordinal }) => ordinal));
    expect(upTo(entries, last)).toEqual(upTo(uninterrupted.ledger[lane] ?? [], last));
  }
  expect(run.seedIds).toEqual(uninterrupted.seedIds);
  expect(sorted(run.completeTicks)).toEqual(sorted(uninterrupted.completeTicks));
}

/** Whether corrections are the same, too, as they are where plans say which real records they knew. */
export function checkCorrections(run: RunRead, uninterrupted: RunRead): void {
  const byPlace = ({ corrections }: RunRead) =>
    corrections
      .map(({ at: _, ...correction }) => correction)
      .sort((a, b) => a.lane - b.lane || a.accepted - b.accepted);
  expect(byPlace(run)).toEqual(byPlace(uninterrupted));
}

/** What must hold of any pipeline that has reached its target, however it got there. */
export function checkConsistent(run: RunRead): void {
  checkLedger(run);
  checkShards(run);
  checkOnce(run.samples.flat().map(({ id }) => id));
  checkOnce(run.corrections.map(({ id }) => id));
  checkOnce(run.realIds);
  // A target that is reached before the real file is read leaves the rest of it unread.
  expect(run.realIds.length).toBeLessThanOrEqual(realRecords);
  checkOnce(run.deadLetters.map(({ id }) => id));
  expect(run.deadLetters.every(({ stage }) => stage === 'load')).toBe(true);
  expect(run.deadLetters.length).toBeLessThanOrEqual(badLines);
  for (const { name, outcomes, consumed } of run.stages) expect([name, outcomes]).toEqual([name, consumed]);
}

/** Every plan has one end; whatever was accepted is a sample, with what was spent on it. */
function checkLedger({ plans, ledger, samples }: RunRead): void {
  for (const [lane, issued] of plans.entries()) {
    const entries = ledger[lane] ?? [];
    expect(issued.map(({ ordinal }) => ordinal)).toEqual(issued.map((_, index) => index));
    expect(sorted(entries.map(({ planId }) => planId))).toEqual(sorted(issued.map(({ id }) => id)));
    const accepted = entries.filter(({ outcome }) => outcome === 'accepted');
    expect(accepted.map(({ subject, ordinal }) => [subject, ordinal])).toEqual(
      (samples[lane] ?? []).map(({ id, ordinal }) => [id, ordinal]),
    );
    expect(entries.filter(({ outcome }) => outcome === 'dead')).toEqual([]);
  }
}

/** The shards hold every sample once, in order, and the manifest tells the truth about them. */
function checkShards({ shards, strays, samples }: RunRead): void {
  expect(strays).toEqual([]);
  expect(shards.map(({ entry }) => entry.seq)).toEqual(shards.map((_, index) => index));
  for (const { entry, sha256, rows } of shards) {
    expect([entry.path, entry.sha256, entry.rows]).toEqual([entry.path, sha256, rows.length]);
  }
  for (const [lane, made] of samples.entries()) {
    const rows = shards.filter(({ entry }) => entry.lane === lane).flatMap((shard) => shard.rows);
    expect(rows).toEqual(made.map(({ id, fields }) => ({ id, fields })));
  }
}

/** Places on Kafka have gaps, which are others in each run. */
function withoutTime({ plannedAt: _at, reals: _reals, ...plan }: Plan): Omit<Plan, 'plannedAt' | 'reals'> {
  return plan;
}

function timeless({ createdAt: _, lineage, embedding, ...sample }: Sample) {
  const calls = lineage.calls.map(({ startedAt: _startedAt, milliseconds: _milliseconds, ...call }) => call);
  return { ...sample, embedding: embedding && [...embedding], lineage: { ...lineage, calls } };
}

/** Entries of the plans up to an ordinal, in the order of the plans: those of different stages come as they end. */
function upTo(entries: readonly LedgerEntry[], last: number): readonly Omit<LedgerEntry, 'at'>[] {
  return entries
    .filter(({ ordinal }) => ordinal <= last)
    .sort((a, b) => a.ordinal - b.ordinal)
    .map(({ at: _, ...entry }) => entry);
}

function checkOnce(ids: readonly string[]): void {
  expect(sorted(ids)).toEqual(sorted([...new Set(ids)]));
}

function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted();
}
