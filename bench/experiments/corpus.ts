import { chooseColumns } from '../../cli/files/choose-columns.js';
import { readVectors } from '../../cli/files/read-vectors.js';
import realEmails from '../../cli/recipes/emails/real-emails.js';
import { pull } from '../../engines/models/pull.js';
import { staticEmbedder } from '../../engines/static/static-embedder.js';
import type { Embedder } from '../../operators/embedder.js';
import { allRows, drawToFront } from '../../operators/kernels/draw-rows.js';
import { type Points, stack } from '../../operators/kernels/points.js';
import { randomFrom } from '../../operators/kernels/random.js';
import { openTable } from '../../streams/inputs/open-table.js';

/** Texts as an experiment sees them. */
export interface Corpus {
  /** Unit vectors of the embedded default. */
  readonly points: Points;
  /** Of each text; undefined where the file has none. */
  readonly labels: readonly string[] | undefined;
}

/** The embedder of the recipes that come with the package. */
export async function openEmbedder(): Promise<Embedder> {
  const { files } = await pull('wordllama-256');
  const [weights = '', tokenizer = ''] = files.values();
  return staticEmbedder({ weights, tokenizer });
}

/** The real e-mails of the demo, ham and spam. */
export async function emails(embedder: Embedder): Promise<Corpus> {
  const mails: { readonly text: string; readonly kind: string }[] = [];
  for await (const mail of realEmails()) {
    if ('body' in mail) mails.push({ text: `${mail.subject}\n${mail.body}`, kind: mail.kind });
  }
  const vectors = await embedder.embed(mails.map(({ text }) => text));
  const known = vectors.flatMap((vector, i) => (vector.some((x) => x !== 0) ? [{ vector, kind: mails[i]?.kind }] : []));
  return { points: stack(known.map(({ vector }) => vector)), labels: known.map(({ kind = '' }) => kind) };
}

/** Texts of a file of any format that commands read, such as a shard. */
export async function corpusOf(
  path: string,
  embedder: Embedder,
  { fields, label }: { readonly fields?: string; readonly label?: string } = {},
): Promise<Corpus> {
  const table = await openTable(path, { base: process.cwd() });
  const columns = chooseColumns([table], fields === undefined ? {} : { fields: fields.split(',') });
  const signal = new AbortController().signal;
  const { points, labels } = await readVectors(table, {
    columns,
    embedder,
    ...(label === undefined ? {} : { labels: label }),
    signal,
  });
  return { points, labels: labels ?? undefined };
}

/** The texts at some rows. */
export function part({ points: { data, dimensions }, labels }: Corpus, rows: Uint32Array): Corpus {
  const taken = new Float32Array(rows.length * dimensions);
  for (const [place, row] of rows.entries()) {
    taken.set(data.subarray(row * dimensions, (row + 1) * dimensions), place * dimensions);
  }
  const points = { data: taken, size: rows.length, dimensions };
  return { points, labels: labels && Array.from(rows, (row) => labels[row] ?? '') };
}

/** All rows of a corpus in an order of chance. */
export function shuffledRows(size: number, seed: number): Uint32Array {
  return drawToFront(allRows(size), size, randomFrom(seed));
}

/** A corpus cut in two at random. */
export function halves(corpus: Corpus, seed: number): readonly [first: Corpus, second: Corpus] {
  const order = shuffledRows(corpus.points.size, seed);
  const middle = order.length >> 1;
  return [part(corpus, order.subarray(0, middle)), part(corpus, order.subarray(middle))];
}
