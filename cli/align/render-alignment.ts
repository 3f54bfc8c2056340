import { shownName, skippedLines } from '../files/file-text.js';
import type { SkippedRecords } from '../files/skips.js';
import type { Alignment, LabelShares } from './alignment.js';

/** Labels that are shown in a table; the document has all of them. */
const shownLabels = 20;

/** An alignment for people: what the weights are worth, what they make of the distance, and the shares of labels. */
export function alignmentTable(alignment: Alignment): string {
  const { real, candidates, skipped, mmd2Before, mmd2After, labels, out, resampled } = alignment;
  const lines = [
    ...fileLines('real', real, skipped.real),
    ...fileLines('candidates', candidates, skipped.candidates),
    '',
    row('', 'even', 'weighted'),
    row('MMD²', mmd2Before.toFixed(5), mmd2After.toFixed(5)),
    `    distance to the real records, biased; ${change(mmd2Before, mmd2After)}`,
    row('effective size', whole(alignment.count), whole(alignment.effectiveSampleSize)),
    '    candidates of equal weight that these are worth',
    row('greatest weight', '1.00', alignment.maxWeight.toFixed(2)),
    `    the mean is 1; within a label at most ${alignment.cap} times its mean`,
    ...(labels === null ? [] : ['', ...labelLines(labels)]),
    '',
    ...(out === null ? ['no file was written: name one with --out'] : [`${out}: ${outLine(alignment)}`]),
    ...(resampled === null ? [] : [`${whole(resampled.count)} drawn, ${whole(resampled.different)} of them different`]),
    methodLine(alignment),
  ];
  return lines.join('\n');
}

function fileLines(
  role: string,
  { file, count, normalised }: Alignment['real'],
  skipped: SkippedRecords,
): readonly string[] {
  return [`${role.padEnd(12)}${shownName(file)}, ${whole(count)} records`, ...skippedLines(skipped, normalised, 12)];
}

function labelLines(labels: readonly LabelShares[]): readonly string[] {
  const wide = Math.max(16, ...labels.slice(0, shownLabels).map(({ label }) => label.length + 2));
  const line = (label: string, cells: readonly string[]) =>
    label.padEnd(wide) + cells.map((cell) => cell.padStart(10)).join('');
  const missing = (side: 'real' | 'before') =>
    labels.filter((shares) => shares[side] === 0).map(({ label }) => `'${label}'`);
  const [noReal, noCandidates] = [missing('real'), missing('before')];
  return [
    line('label', ['real', 'even', 'weighted', 'worth']),
    ...labels
      .slice(0, shownLabels)
      .map(({ label, real, before, after, effectiveSampleSize }) =>
        line(label, [percent(real), percent(before), percent(after), whole(effectiveSampleSize ?? 0)]),
      ),
    ...(labels.length > shownLabels ? [`and ${labels.length - shownLabels} more labels (--json has all)`] : []),
    ...(noReal.length === 0 ? [] : [`no real record has the label ${listed(noReal)}: such candidates weigh 0`]),
    ...(noCandidates.length === 0
      ? []
      : [`no candidate has the label ${listed(noCandidates)}: the other labels share its part`]),
  ];
}

function outLine({ resampled, count }: Alignment): string {
  return resampled === null ? `${whole(count)} rows of index and weight` : 'a row of index and weight for each draw';
}

function methodLine(alignment: Alignment): string {
  const { kernel, frequencies, objective, regularization, gap, embedder, vectors, seed, seconds } = alignment;
  const by = frequencies === null ? 'all pairs' : `${frequencies} random frequencies`;
  return [
    `${objective === 'kernel' ? 'kernel' : 'projections, judged by the kernel'} of bandwidth ${kernel.bandwidth.toPrecision(4)}, ${by}`,
    `ridge ${regularization.toPrecision(3)}, gap ${gap.toExponential(1)}`,
    `${embedder ?? `vectors from ${vectors}`}, seed ${seed}, ${seconds.toFixed(1)} s`,
  ].join('; ');
}

function change(before: number, after: number): string {
  if (!(before > 0)) return 'there was none';
  const by = (100 * (before - after)) / before;
  return `${Math.abs(by).toFixed(0)} % ${by >= 0 ? 'less' : 'more'}`;
}

function row(title: string, ...cells: readonly string[]): string {
  return title.padEnd(16) + cells.map((cell) => cell.padStart(12)).join('');
}

function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} others` : names.join(', ');
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
