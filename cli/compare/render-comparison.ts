import type { ChosenColumns } from '../files/choose-columns.js';
import { choiceLine, shownName, skippedLines } from '../files/file-text.js';
import type { Comparison, FileFigures } from './comparison.js';

const gap = 2;

interface Row {
  readonly title: string;
  /** Real, then each synthetic file. */
  readonly cells: readonly string[];
  readonly meaning: string;
}

/** Comparisons with one real file as aligned columns: real, then each synthetic file; a line of how to read it under each row. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const [first] = comparisons;
  if (first === undefined) return '';
  const rows = [...fileRows(first, comparisons), ...pairRows(first, comparisons)];
  const heads = [
    'real',
    ...(comparisons.length === 1 ? ['synthetic'] : comparisons.map(({ synthetic }) => synthetic.file)),
  ];
  const title = Math.max(...rows.map((row) => row.title.length)) + gap;
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(({ cells }) => cells[i]?.length ?? 0)) + gap);
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(title) + cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('');
  return [
    ...fileLines(first, comparisons),
    '',
    line('', heads),
    ...rows.flatMap(({ title: name, cells, meaning }) => [line(name, cells), `    ${meaning}`]),
    '',
    ...notes(comparisons),
  ].join('\n');
}

/** What was chosen for the user, in a line, also where texts are not compared. */
export function comparedLine(columns: ChosenColumns, plainText: readonly string[]): string {
  const chosen = choiceLine('comparing', columns, plainText);
  if (columns.fields.length > 0) return chosen;
  return `no text field in common: figures of texts are left out (name one with --field); ${chosen}`;
}

function fileLines({ real }: Comparison, comparisons: readonly Comparison[]): readonly string[] {
  const files = [['real', real] as const, ...comparisons.map(({ synthetic }) => ['synthetic', synthetic] as const)];
  return files.flatMap(([role, { file, skipped, normalised }]) => [
    `${role.padEnd(11)}${shownName(file)}`,
    ...skippedLines(skipped, normalised, 11),
  ]);
}

function fileRows({ real }: Comparison, comparisons: readonly Comparison[]): readonly Row[] {
  const row = (title: string, cell: (figures: FileFigures) => string, meaning: string): Row => ({
    title,
    cells: [real, ...comparisons.map(({ synthetic }) => synthetic)].map(cell),
    meaning,
  });
  return [
    row('records', ({ count }) => whole(count), 'records that were compared'),
    row('words a record', ({ meanWords }) => decimal(meanWords, 1), 'lengths far apart explain other differences'),
    row(
      'mean cosine',
      ({ meanCosine, meanCosineError }) => `${meanCosine.toFixed(4)} ±${meanCosineError.toFixed(4)}`,
      'how alike two records are on average; higher than real: less varied',
    ),
    row(
      'nearest other',
      ({ nearestCosine }) => decimal(nearestCosine, 4),
      'cosine with the nearest of its own file; higher: repeats itself',
    ),
    row(
      'Vendi score',
      ({ vendi }) => decimal(vendi, 1),
      'how many entirely different records these are worth; higher: more varied',
    ),
    row(
      'distinct-2',
      ({ distinct2 }) => decimal(distinct2, 4),
      'share of word pairs that are new; falls with the size of a file',
    ),
    row(
      'exact duplicates',
      ({ exactDuplicates }) => whole(exactDuplicates),
      'records with the very text of an earlier one',
    ),
    row(
      'near duplicates',
      ({ nearDuplicates }) => whole(nearDuplicates),
      'other records with most of the words of an earlier one, in order',
    ),
  ];
}

function pairRows({ neighbours }: Comparison, comparisons: readonly Comparison[]): readonly Row[] {
  const row = (title: string, cell: (comparison: Comparison) => string, meaning: string): Row => ({
    title,
    cells: ['', ...comparisons.map(cell)],
    meaning,
  });
  return [
    row(
      'coverage',
      ({ coverage, coverageError }) => `${percent(coverage)} ±${percent(coverageError)}`,
      `real records with a synthetic one among their ${neighbours} nearest; low: kinds of records are missing`,
    ),
    row(
      '  if equal',
      ({ coverageExpected }) => percent(coverageExpected),
      'the coverage to expect of data like the real',
    ),
    row(
      'precision',
      ({ precision }) => percent(precision),
      'synthetic records that are near real ones; low: off the distribution',
    ),
    row('recall', ({ recall }) => percent(recall), 'real records that are near synthetic ones'),
    row(
      'density',
      ({ density }) => decimal(density, 3),
      '1 for data like the real; higher: crowded where real data is dense',
    ),
    row('copies of real', ({ copies }) => whole(copies.exact), 'synthetic records with the very text of a real one'),
    row('near copies', ({ copies }) => whole(copies.near), 'others with most of the words of a real one, in order'),
    row(
      'close to real',
      ({ copies }) => whole(copies.close),
      `sampled records with a cosine of ${comparisons[0]?.copies.closeCosine} or more to a real one`,
    ),
    row(
      'nearest real',
      ({ nearestReal }) => decimal(nearestReal.mean, 4),
      'mean cosine with the nearest real record; near 1: copying',
    ),
    row(
      'MMD²',
      ({ mmd2 }) => mmd2.unbiased.toFixed(5),
      'distance of the distributions; about 0, also below, for equal ones',
    ),
    row('p-value', ({ pValue }) => decimal(pValue, 4), pValueMeaning(comparisons[0])),
  ];
}

function pValueMeaning(comparison: Comparison | undefined): string {
  const { permutations = 0 } = comparison ?? {};
  if (permutations === 0) return 'not asked for (--permutations)';
  return `chance of such an MMD² or more if both were one distribution; ${whole(permutations)} permutations`;
}

/** Where fewer records were dealt out than pairs were made of. */
function permutedNote({ permuted, real, synthetic }: Comparison): readonly string[] {
  if (permuted === null) return [];
  const isPart = permuted.real < real.sampled || permuted.synthetic < synthetic.sampled;
  if (!isPart) return [];
  const counts = `${whole(permuted.real)} real and ${whole(permuted.synthetic)} synthetic records`;
  return [`The p-value is that of ${counts}, drawn by the seed.`];
}

function kernelNote({ kernel: { name, bandwidth } }: Comparison): string {
  return bandwidth === null
    ? `MMD² by the ${name} kernel`
    : `MMD² by the ${name} kernel, bandwidth ${bandwidth.toPrecision(4)}`;
}

function notes(comparisons: readonly Comparison[]): readonly string[] {
  const [first] = comparisons;
  if (first === undefined) return [];
  const all = [first.real, ...comparisons.map(({ synthetic }) => synthetic)];
  const sampled = all.filter(({ count, sampled: drawn }) => drawn < count);
  const words = all.map(({ count, meanWords }) => count * (meanWords ?? 0));
  const isUneven = Math.max(...words) > 1.25 * Math.min(...words);
  const seconds = comparisons.at(-1)?.seconds ?? 0;
  return [
    ...sampled.map(
      ({ file, sampled: drawn }) => `Figures of pairs are those of ${whole(drawn)} records of ${file} (--sample).`,
    ),
    ...comparisons.flatMap(permutedNote),
    ...(isUneven ? ['The files have unequal amounts of text: distinct-2 cannot be compared as it stands.'] : []),
    kernelNote(first),
    `${first.embedder ?? `vectors from ${first.vectors}`}, seed ${first.seed}, ${seconds.toFixed(1)} s`,
  ];
}

function whole(count: number | null): string {
  return count === null ? '-' : count.toLocaleString('en-US');
}

function decimal(figure: number | null, places: number): string {
  return figure === null ? '-' : figure.toFixed(places);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
