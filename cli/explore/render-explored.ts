import { shownName, skippedLines } from '../files/file-text.js';
import type { ExploredFile } from './explored-file.js';

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

function fileLines({ file, count, skipped, normalised }: ExploredFile): readonly string[] {
  return [`${shownName(file)}: ${count.toLocaleString('en-US')} records`, ...skippedLines(skipped, normalised, 2)];
}

function notes(explored: ExploredFile): readonly string[] {
  const { informative, labels = [], lengthScale, embedder, vectors, seed, seconds } = explored;
  const blind = labels.filter((label) => !label.informative).map(({ label }) => oneLine(label, 40));
  return [
    ...(informative
      ? []
      : [
          'The kernel is uninformative: all records are equally uncertain at this length scale, and the order is that of the seed.',
          'Leave --length-scale out for the one of the data; where all records are alike, there is nothing to explore.',
        ]),
    ...(informative && blind.length > 0
      ? [`Uninformative within ${blind.join(', ')}: there the order is that of the seed.`]
      : []),
    `length scale ${lengthScale.toFixed(4)}, ${embedder ?? `vectors from ${vectors}`}, seed ${seed}, ${seconds.toFixed(1)} s`,
  ];
}

/** Control characters and line breaks as spaces, so that a text cannot draw over the terminal. */
function oneLine(text: string, width: number): string {
  const characters = [...text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()];
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}
