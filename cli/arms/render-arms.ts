import type { Estimate } from '../../operators/quality/set-diversity.js';
import type { ArmEnd, ArmFigures } from './arm-figures.js';

/** An arm beside the others; without figures where it was not begun. */
export interface ComparedArm {
  readonly name: string;
  readonly end: ArmEnd;
  readonly figures: ArmFigures | null;
}

type Row = readonly string[];

/** The arms side by side, as lines for people: what came out, how different it is, and what it took. */
export function armLines(arms: readonly ComparedArm[]): readonly string[] {
  const begun = arms.flatMap(({ name, figures }) => (figures === null ? [] : [{ name, figures }]));
  const table = (head: Row, row: (figures: ArmFigures) => Row) => {
    return aligned([['arm', ...head], ...begun.map(({ name, figures }) => [name, ...row(figures)])]);
  };
  return [
    'What came out (usable: accepted / plans ended, with 95 % intervals)',
    ...table(['usable', 'accepted', 'ended', 'duplicates', 'near', 'seed copies'], (figures) => {
      const { usable, accepted, ended, rejected, exactDuplicates, nearDuplicates, seedCopies } = figures;
      const exact = exactDuplicates + (rejected['duplicate'] ?? 0);
      const near = nearDuplicates - exactDuplicates + nearRejected(rejected);
      return [estimated(usable, 2), ...[accepted, ended, exact, near, seedCopies].map(String)];
    }),
    '',
    'Why plans ended without a sample',
    ...aligned(begun.map(({ name, figures }) => [name, reasons(figures)])),
    '',
    'How different the accepted texts are from one another (never one of these alone; sets of unequal size compare badly)',
    ...table(['accepted', 'mean cosine', 'nearest', 'Vendi', 'distinct-2'], (figures) => [
      String(figures.accepted),
      estimated(figures.meanCosine, 3),
      estimated(figures.nearestNeighbour, 3),
      estimated(figures.vendi, 1),
      estimated(figures.distinct2, 3),
    ]),
    '',
    'What it took (the answers of earlier arms, where they were reused, among it)',
    ...table(['calls', 'reused', 'tokens read', 'written', 'seconds', 'cost', 'saved'], (figures) => {
      const { calls, cost, savedCost } = figures;
      const counts = [calls.count, calls.reused, calls.promptTokens, calls.completionTokens, calls.seconds];
      return [...counts.map(String), dollars(cost), dollars(savedCost)];
    }),
    ...arms.flatMap(({ name, end }) => endLines(name, end)),
  ];
}

/** Near duplicates that the gate kept out. */
function nearRejected(rejected: ArmFigures['rejected']): number {
  return (rejected['near-duplicate'] ?? 0) + (rejected['semantic-duplicate'] ?? 0);
}

function reasons({ rejected }: ArmFigures): string {
  const told = Object.entries(rejected).sort(([, a], [, b]) => b - a);
  return told.length === 0 ? 'none did' : told.map(([reason, n]) => `${reason} ${n}`).join(', ');
}

function endLines(name: string, end: ArmEnd): readonly string[] {
  if (end.status === 'complete') return [];
  const why = end.status === 'failed' ? `ended before its target: ${end.message} [${end.code}]` : end.status;
  return ['', `${name}: ${why}`];
}

/** `0.79 [0.62, 0.91]`. */
function estimated(estimate: Estimate | null, digits: number): string {
  if (estimate === null) return '-';
  const { value, interval } = estimate;
  const text = value.toFixed(digits);
  return interval === null ? text : `${text} [${interval.low.toFixed(digits)}, ${interval.high.toFixed(digits)}]`;
}

function dollars(cost: number | null): string {
  return cost === null ? 'unknown' : `$${cost.toFixed(cost === 0 ? 0 : 4)}`;
}

/** Columns as wide as their widest text; the first to the left, the others to the right, but for a last one of words. */
function aligned(rows: readonly Row[]): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const words = columns === 2;
  return rows.map((row) => {
    const cells = row.map((text, at) =>
      at === 0 || words ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0),
    );
    return `  ${cells.join('  ')}`.trimEnd();
  });
}
