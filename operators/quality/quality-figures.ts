import type { Quality } from '../../schemas/quality.js';
import { isZero } from '../kernels/diversity/cosine-sum.js';
import type { Coverage } from '../kernels/diversity/coverage.js';
import { pairedDiversity } from '../kernels/diversity/paired-diversity.js';
import { kernelEigenvalues, vendiScore } from '../kernels/diversity/second-moment.js';
import { stack } from '../kernels/points.js';
import type { QualityWindow } from './quality-window.js';
import type { RunningDiversity } from './running-diversity.js';

type Figures = Omit<Quality, 'kind' | 'id' | 'lane' | 'accepted' | 'embedder' | 'vendi' | 'at'>;

/** All figures but the Vendi score, of a window that has a sample and of the sums beside it. O(dimensions^2 + size x dimensions). */
export function qualityFigures(window: QualityWindow, { total, decayed }: RunningDiversity): Figures {
  const ordinals = window.slots.map(({ ordinal }) => ordinal);
  return {
    window: {
      size: window.size,
      firstOrdinal: window.oldest?.ordinal ?? 0,
      lastOrdinal: ordinals[(window.seen - 1) % ordinals.length] ?? 0,
    },
    zeros: total.zeros,
    meanCosine: { total: total.mean(), window: window.cosine.mean(), decayed: decayed.mean() },
    nearest: nearestOf(window),
    participationRatio: window.moment.participationRatio(),
    distinct1: window.words.share,
    distinct2: window.wordPairs.share,
    labels: window.labels.total === 0 ? null : coverageOf(window.labels),
    topics: coverageOf(window.topics),
    refinement: refinementOf(window),
  };
}

/** The Vendi score of a window: O(size^3) while it has fewer samples than dimensions, then O(dimensions^3). */
export function vendiOf(window: QualityWindow): number {
  const { moment, slots } = window;
  if (moment.size === 0) return 0;
  if (moment.size >= moment.dimensions) return vendiScore(moment.eigenvalues());
  return vendiScore(kernelEigenvalues(stack(slots.flatMap(({ embedding }) => (isZero(embedding) ? [] : [embedding])))));
}

function nearestOf({ slots }: QualityWindow): Figures['nearest'] {
  const known = slots.flatMap(({ nearest }) => nearest ?? []);
  return { mean: meanOf(known), max: known.length === 0 ? 0 : known.reduce((most, each) => Math.max(most, each)) };
}

function coverageOf({ seen, singletons, unseenMass }: Coverage): Figures['topics'] {
  return { seen, singletons, unseenMass };
}

function refinementOf({ slots }: QualityWindow): Figures['refinement'] {
  const pairs = slots.flatMap(({ before, embedding }) => {
    if (before === undefined || isZero(before.embedding) || isZero(embedding)) return [];
    return [{ before: before.embedding, after: embedding, editDistance: before.editDistance }];
  });
  if (pairs.length === 0) return null;
  const paired = pairedDiversity(stack(pairs.map(({ before }) => before)), stack(pairs.map(({ after }) => after)));
  const edits = pairs.map(({ editDistance }) => editDistance);
  return {
    pairs: paired.pairs,
    cosine: paired.cosine,
    editDistance: meanOf(edits),
    unchanged: edits.filter((edit) => edit === 0).length / edits.length,
    drafts: paired.before,
    refined: paired.after,
    difference: paired.difference,
    standardError: paired.standardError,
    pValue: paired.pValue,
  };
}

/** 0 of none. */
function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
