import { shownName, skippedLines } from '../files/file-text.js';
import type { ExploredFile, ExploredLabel } from './explored-file.js';

const textWidth = 72;

/** Picks as aligned columns, with the start of each text where it is known. */
export function exploredTable(explored: ExploredFile, texts: ReadonlyMap<number, string>): string {
  const rows = explored.picks.map(({ index, variance, label }, i) => [
    String(i + 1),
    String(index),
    variance.toFixed(6),
    ...(explored.labels === undefined ? [] : [oneLine(label ?? '', 24)]),
    ...(texts.size === 0 ? [] : [oneLine(texts.get(index) ?? '', textWidth)]),
  ]);
  const heads = [
    'pick',
    'index',
    'variance',
    ...(explored.labels === undefined ? [] : ['label']),
    ...(texts.size === 0 ? [] : ['text']),
  ];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < 3 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [...fileLines(explored), '', line(heads), ...rows.map(line), '', ...notes(explored)].join('\n');
}

function fileLines({ file, count, sampled, skipped, normalised }: ExploredFile): readonly string[] {
  const part = sampled < count ? `, of which a sample of ${whole(sampled)} is explored (--sample)` : '';
  return [`${shownName(file)}: ${whole(count)} records${part}`, ...skippedLines(skipped, normalised, 2)];
}

function whole(count: number): string {
  return count.toLocaleString('en-US');
}

function notes(explored: ExploredFile): readonly string[] {
  const { informative, labels = [], lengthScale, embedder, vectors, seed, seconds } = explored;
  const blind = labels.filter((label) => label.informative === false).map(({ label }) => oneLine(label, 40));
  return [
    ...(informative === null ? aloneNote(labels) : []),
    ...(informative !== false
      ? []
      : [
          'The kernel is uninformative: all records are equally uncertain at this length scale, and the order is that of the seed.',
          'Leave --length-scale out for the one of the data; where all records are alike, there is nothing to explore.',
        ]),
    ...(informative === true && blind.length > 0
      ? [`Uninformative within ${blind.join(', ')}: there the order is that of the seed.`]
      : []),
    `length scale ${lengthScale.toPrecision(4)}, ${embedder ?? `vectors from ${vectors}`}, seed ${seed}, ${seconds.toFixed(1)} s`,
  ];
}

/** Where no label has records to be told apart; of one that had no turn, this is known of a single record. */
function aloneNote(labels: readonly ExploredLabel[]): readonly string[] {
  if (labels.length === 0 || labels.some(({ picks, sampled }) => picks === 0 && sampled > 1)) return [];
  const which = labels.every(({ sampled }) => sampled === 1) ? 'one record' : 'one record, or copies of one';
  return [
    `Each label has ${which}: within it there is nothing to explore, and the order is that of the names.`,
    'Name a column with fewer labels by --by, or leave it out.',
  ];
}

/** Control characters and line breaks as spaces, so that a text cannot draw over the terminal. */
function oneLine(text: string, width: number): string {
  const characters = [...text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()];
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}
