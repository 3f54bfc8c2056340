import { z } from 'zod';

import type { Correction } from '../../../schemas/correction.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Changes } from '../../flow/outcome.js';
import type { RandomFeatures } from '../../kernels/mmd/random-features.js';
import type { DriftOptions } from './drift-options.js';
import type { EmbeddingWindow } from './embedding-window.js';

/** The real window, and what the watch's memory held. */
export interface DriftWatchOptions<Drift extends DriftOptions> {
  readonly drift: Drift;
  readonly real: EmbeddingWindow;
  readonly dimensions: number;
  readonly frequencies: number;
  readonly seed: number;
  readonly memory: ReadonlyMap<string, unknown>;
}

/** What a real record did: whether what it is held against is known anew, or an alarm was raised. */
export interface DriftStep {
  readonly changes: Changes;
  readonly happened: 'nothing' | 'reference taken' | 'alarm';
}

/** Whether the real stream has drifted, asked with each real record. */
export interface DriftWatch {
  /** Alarms so far, which is the version of the reference too. */
  readonly alarms: number;
  /** Tells the features, as soon as they are known: without, nothing is tested. */
  useFeatures(features: RandomFeatures): void;
  /** Takes in the newest embedding of the real window. */
  arrived(): DriftStep;
  report(): NonNullable<Correction['drift']>;
}

/** Frequencies that the tests use of more. */
export const testedFrequencies = 512;

const kept = z.object({ settings: z.string(), alarms: z.int().nonnegative() });

/**
 * The state that the memory holds under `drift`: undefined where there is none, and where it is of other settings, of which the count of alarms
 * stays. Throws `HeadwaterError` with `record-invalid` where it is damaged.
 */
export function storedDrift<State>(
  memory: ReadonlyMap<string, unknown>,
  settings: string,
  schema: z.ZodType<State>,
): { readonly state: State | undefined; readonly alarms: number } {
  const held = memory.get('drift') ?? undefined;
  if (held === undefined) return { state: undefined, alarms: 0 };
  const { data } = kept.safeParse(held);
  if (data === undefined) throw unreadable();
  if (data.settings !== settings) return { state: undefined, alarms: data.alarms };
  const state = schema.safeParse(held);
  if (!state.success) throw unreadable();
  return { state: state.data, alarms: data.alarms };
}

/** A real record more of the pause after an alarm, which is a window long; then comes the phase `next`. */
export function cooled<Phase>(
  records: number,
  window: number,
  next: Phase,
): { readonly phase?: Phase; readonly count: number } {
  return records + 1 >= window ? { phase: next, count: 0 } : { count: records + 1 };
}

/** For a report: the real records since the last alarm, where there was one. */
export function since({ seen }: EmbeddingWindow, alarmedAt: number | undefined): { readonly since?: number } {
  return alarmedAt === undefined ? {} : { since: seen - alarmedAt };
}

function unreadable(): HeadwaterError {
  return new HeadwaterError('record-invalid', 'the memory holds a drift that cannot be read');
}
