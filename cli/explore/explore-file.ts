import { HeadwaterError } from '../../schemas/errors.js';
import { openTable } from '../../streams/inputs/open-table.js';
import type { Table } from '../../streams/inputs/table.js';
import { type ChosenColumns, chooseColumns, namedColumns } from '../files/choose-columns.js';
import type { FileSources } from '../files/file-sources.js';
import { plainTextOf } from '../files/file-text.js';
import { medianBandwidth } from '../files/median-bandwidth.js';
import { type FileVectors, readVectors } from '../files/read-vectors.js';
import type { Criterion, ExploredFile } from './explored-file.js';
import { pickByLabel } from './pick-by-label.js';

export interface ExploreFileOptions extends FileSources {
  /** Records to pick. @default 10, or all where there are fewer */
  readonly pick?: number;
  /** @default variance */
  readonly criterion?: Criterion;
  /** @default the median heuristic */
  readonly lengthScale?: number;
  /** The row that is picked first, from 0. @default one by the seed */
  readonly first?: number;
  /** The column of labels that take turns. @default none */
  readonly by?: string;
  /** Records that are explored; of more, as many are drawn by the seed, with `by` of each label. @default 200,000 */
  readonly sample?: number;
  readonly watch?: ExploreWatch;
}

/** Told of what goes on. */
export interface ExploreWatch {
  readonly chosen?: (columns: ChosenColumns, plainText: readonly string[]) => void;
  readonly reading?: (file: string, records: number) => void;
  readonly picking?: (picks: number, of: number) => void;
}

const defaultPicks = 10;
const defaultSample = 200_000;

/**
 * A file in, the order out in which a Gaussian process would visit its records.
 *
 * Memory, of `sample` records at most: the vectors twice, 4 bytes a number, and 8 bytes for each record and pick; with `integrated` also 4 KB a record
 * and the vectors three times. Texts are not held. Rejects with `HeadwaterError`: `recipe-invalid` for the size of the sample, `input-unreadable` (no such
 * file or column, fewer records than picks, more labels than are drawn, vectors that do not fit), or what opening the embedder rejects with.
 *
 * @example
 * ```ts
 * const { picks } = await exploreFile('real.jsonl', { base, pick: 100, openEmbedder, signal });
 * ```
 */
export async function exploreFile(file: string, options: ExploreFileOptions): Promise<ExploredFile> {
  const started = performance.now();
  const { base, stdin, watch, signal, by, criterion = 'variance', seed = 0, sample = defaultSample } = options;
  checkSample(sample);
  const table = await openTable(file, {
    base,
    columns: namedColumns(options),
    ...(stdin === undefined ? {} : { stdin }),
  });
  const columns = columnsOf(table, options);
  watch?.chosen?.(columns, plainTextOf([table]));
  const embedder = columns.vectors === null ? await options.openEmbedder() : null;
  try {
    const vectors = await readVectors(table, {
      columns,
      embedder,
      signal,
      ...(by !== undefined && { labels: by }),
      sample,
      seed,
      progress: (records) => watch?.reading?.(table.name, records),
    });
    const pick = options.pick ?? Math.min(defaultPicks, vectors.points.size);
    requireEachLabel(vectors, by);
    checkPicks(vectors, pick);
    const median = { file: vectors.name, option: '--length-scale', seed, signal };
    const lengthScale = options.lengthScale ?? (await medianBandwidth(vectors.points, median));
    const picked = await pickByLabel(vectors, {
      pick,
      criterion,
      lengthScale,
      seed,
      first: firstOf(vectors, options.first),
      signal,
      progress: (picks) => watch?.picking?.(picks, pick),
    });
    return {
      file: table.name,
      count: vectors.seen,
      sampled: vectors.points.size,
      skipped: vectors.skipped,
      normalised: vectors.normalised,
      criterion,
      lengthScale,
      informative: picked.informative,
      picks: picked.picks,
      ...(picked.labels !== undefined && {
        labels: picked.labels.map((one) => ({ ...one, count: vectors.counts.get(one.label) ?? one.sampled })),
      }),
      fields: columns.fields,
      vectors: columns.vectors,
      embedder: embedder?.id ?? null,
      seed,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await embedder?.close();
  }
}

/** Of ready-made vectors, the texts are not needed. */
function columnsOf(table: Table, { fields, vectors, by }: ExploreFileOptions): ChosenColumns {
  const wishes = {
    ...(vectors === undefined ? {} : { vectors, fields: fields ?? [] }),
    ...(fields === undefined ? {} : { fields }),
    ...(by === undefined ? {} : { by }),
  };
  return chooseColumns([table], wishes);
}

function checkSample(sample: number): void {
  if (Number.isInteger(sample) && sample >= 2) return;
  throw new HeadwaterError('recipe-invalid', `--sample: expected a whole number from 2, got ${sample}`);
}

/** Of more labels than records that are drawn, some would never have their turn. */
function requireEachLabel({ name, points: { size }, labels, counts }: FileVectors, by: string | undefined): void {
  const drawn = new Set(labels);
  const missing = [...counts.keys()].find((label) => !drawn.has(label));
  if (missing === undefined) return;
  const many = `as '${by}' has ${counts.size} different ones: raise --sample to ${counts.size} or more`;
  throw unreadable(`--sample ${size}: none of the records drawn from ${name} has the label '${missing}', ${many}`);
}

function checkPicks({ name, seen, points: { size }, skipped }: FileVectors, pick: number): void {
  if (pick <= size) return;
  const left = skipped.count === 0 ? '' : `, after ${skipped.count} were skipped`;
  if (size < seen) {
    throw unreadable(
      `--pick ${pick}: ${size} of the ${seen} records of ${name} are explored; raise --sample, or pick fewer`,
    );
  }
  throw unreadable(`--pick ${pick}: ${name} has ${size} records to pick from${left}; ask for at most ${size}`);
}

/** The place of a row among the vectors. */
function firstOf({ name, rows, seen }: FileVectors, first: number | undefined): number | undefined {
  if (first === undefined) return undefined;
  const place = rows.indexOf(first);
  if (place >= 0) return place;
  if (rows.length < seen) {
    const remedy = `raise --sample to ${seen}, or leave --first out`;
    throw unreadable(
      `--first ${first}: that row is not among the ${rows.length} records drawn from ${name}; ${remedy}`,
    );
  }
  const last = rows.at(-1) ?? 0;
  const why = first > last ? `its rows end with ${last}` : 'that row was skipped';
  throw unreadable(`--first ${first}: ${name} has no such record to pick, ${why}`);
}

function unreadable(message: string): HeadwaterError {
  return new HeadwaterError('input-unreadable', message);
}
