import { fromBase64, toBase64 } from '../../../schemas/codec.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { type Example, example } from '../../../schemas/plan.js';
import { storedCount } from '../../flow/stored-count.js';

/** A real record that can be picked. */
export interface Candidate {
  readonly slot: number;
  readonly example: Example;
  readonly embedding: Float32Array;
  /** The number of the record among all, from 1. */
  readonly at: number;
  /** Equal for equal embeddings. */
  readonly print: string;
}

/** A real record that was picked: with the records nearest to it, a region of the real distribution. */
export interface Explored {
  readonly slot: number;
  readonly id: string;
  readonly embedding: Float32Array;
  /** The time of its pick, in picks. */
  readonly born: number;
}

/** As a memory holds it. */
export function storedCandidate({ example: shown, at, embedding }: Candidate): unknown {
  return { example: shown, at, embedding: toBase64(embedding) };
}

export function storedExplored({ id, born, embedding }: Explored): unknown {
  return { id, born, embedding: toBase64(embedding) };
}

/** Candidates in no order, and picks in theirs. Throws `HeadwaterError` with code `record-invalid` where one is damaged. */
export function restoredRecords(
  memory: ReadonlyMap<string, unknown>,
  dimensions: number,
): { readonly candidates: readonly Candidate[]; readonly explored: readonly Explored[] } {
  const candidates: Candidate[] = [];
  const explored: Explored[] = [];
  for (const [key, value] of memory) {
    const [kind, slot] = key.split('/');
    if (value === null || slot === undefined) continue;
    if (kind === 'candidate') candidates.push(restoredCandidate(value, Number(slot), dimensions));
    if (kind === 'explored') explored.push(restoredExplored(value, Number(slot), dimensions));
  }
  return { candidates, explored: explored.sort((a, b) => a.born - b.born) };
}

function restoredCandidate(value: unknown, slot: number, dimensions: number): Candidate {
  const { embedding: encoded, example: shown, at } = partsOf(value, 'candidate');
  const parsed = example.safeParse(shown);
  if (!parsed.success || typeof at !== 'number') throw damaged('candidate');
  const embedding = restoredEmbedding(encoded, dimensions);
  return { slot, example: parsed.data, at, embedding, print: printOf(embedding) };
}

function restoredExplored(value: unknown, slot: number, dimensions: number): Explored {
  const { embedding, id, born } = partsOf(value, 'explored record');
  if (typeof id !== 'string' || typeof born !== 'number') throw damaged('explored record');
  return { slot, id, born, embedding: restoredEmbedding(embedding, dimensions) };
}

/** The first slot that no pick has. */
export function freeSlot(explored: readonly Explored[]): number {
  const taken = new Set(explored.map(({ slot }) => slot));
  let slot = 0;
  while (taken.has(slot)) slot += 1;
  return slot;
}

/** Of an embedding: 64 bits, by which equal ones are known. */
export function printOf(embedding: Float32Array): string {
  const bits = new Uint32Array(embedding.buffer, embedding.byteOffset, embedding.length);
  let [low, high] = [0x811c9dc5, 0x2545f491];
  for (const word of bits) {
    low = Math.imul(low ^ word, 0x01000193) ^ (low >>> 15);
    high = Math.imul(high ^ (word + (high >>> 13)), 0x85ebca6b) ^ (high >>> 16);
  }
  return `${low >>> 0} ${high >>> 0}`;
}

/** The whole numbers `seen`, `clock` and `refreshed` that a memory holds under `key`; 0 where it has none. */
export function restoredCounts(memory: ReadonlyMap<string, unknown>, key: string) {
  const value = memory.get(key);
  const parts = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const count = (name: string) => storedCount(parts, name, 0);
  return { seen: count('seen'), clock: count('clock'), refreshed: count('refreshed') };
}

function restoredEmbedding(encoded: unknown, dimensions: number): Float32Array {
  const embedding = typeof encoded === 'string' ? fromBase64(encoded) : undefined;
  if (embedding?.length === dimensions && embedding.every(Number.isFinite)) return embedding;
  throw damaged('embedding');
}

function partsOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return { ...value };
  throw damaged(what);
}

function damaged(what: string): HeadwaterError {
  return new HeadwaterError('record-invalid', `the memory of the exploration lacks a ${what}, or it is damaged`);
}
