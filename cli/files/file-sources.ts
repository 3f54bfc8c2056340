import type { Embedder } from '../../operators/embedder.js';

/** Where a command that reads plain files has its records from. */
export interface FileSources {
  /** The folder that the files are relative to. */
  readonly base: string;
  /** Fields whose texts are embedded. @default `text`, or else those of texts that all files have */
  readonly fields?: readonly string[];
  /** A column of ready-made vectors; then nothing is embedded. */
  readonly vectors?: string;
  /** Of all that is drawn. @default 0 */
  readonly seed?: number;
  /** Called where texts are embedded; what it opens is closed at the end. */
  readonly openEmbedder: () => Promise<Embedder>;
  /** @default process.stdin */
  readonly stdin?: AsyncIterable<Uint8Array | string>;
  readonly signal: AbortSignal;
}
