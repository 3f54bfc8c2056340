import type { Quality } from '../../schemas/quality.js';
import type { JudgeStatus } from '../../streams/river/quality-status.js';

/** The figures of diversity in a line: never the cosine alone. */
export function diversityText(newest: readonly Quality[]): string {
  if (newest.length === 0) return 'not known: fewer than 8 samples, or steps.measure is off';
  return newest
    .map((quality) => (newest.length > 1 ? `lane ${quality.lane}: ${figuresText(quality)}` : figuresText(quality)))
    .join('; ');
}

function figuresText({ meanCosine, nearest, vendi, distinct2, window, refinement }: Quality): string {
  const { total, decayed } = meanCosine;
  return [
    `cosine ${total.mean.toFixed(3)} (recent ${decayed.mean.toFixed(3)})`,
    `nearest ${nearest.mean.toFixed(3)}`,
    `worth ${vendi.score.toFixed(1)} texts of ${Math.min(vendi.accepted, window.size)}`,
    `distinct-2 ${distinct2.toFixed(3)}`,
    ...(refinement === null
      ? []
      : [`refining ${refinement.difference >= 0 ? '+' : ''}${refinement.difference.toFixed(3)}`]),
  ].join(', ');
}

/** The same for the narrow line of a run that goes on. */
export function shortDiversityText(quality: Quality | undefined): string {
  if (quality === undefined) return 'not known yet';
  const { meanCosine, nearest, vendi, window } = quality;
  const worth = `worth ${vendi.score.toFixed(1)} of ${Math.min(vendi.accepted, window.size)}`;
  return `cosine ${meanCosine.decayed.mean.toFixed(3)}, nearest ${nearest.mean.toFixed(3)}, ${worth}`;
}

/** What a judge has found, in a line. */
export function judgeText(judge: JudgeStatus): string {
  const { judged, rate, unreadable, decision, spent, lanes } = judge;
  const [lane] = lanes;
  const interval =
    lane === undefined || lanes.length > 1 ? '' : `, ${share(lane.interval.low)} to ${share(lane.interval.high)}`;
  return [
    judged === 0 ? 'nothing judged' : `${share(rate)} of ${judged} taken for real (guessing 75.0 %${interval})`,
    decision,
    ...(unreadable > 0 ? [`${unreadable} unreadable`] : []),
    spent.cost === null ? 'cost unknown' : `$${spent.cost.toFixed(spent.cost === 0 ? 0 : 4)}`,
  ].join(', ');
}

function share(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}
