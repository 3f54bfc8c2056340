import { z } from 'zod';

/** YAML reads `off` as a text or as false, `on` as a text or as true. */
const off = z.union([z.literal('off'), z.literal(false).transform(() => 'off' as const)]);
const on = z.union([z.literal('on'), z.literal(true).transform(() => 'on' as const)]);

/** An ISO 639-1 code. */
const language = z.string().regex(/^[a-z]{2}$/, 'expected a language code such as en');

/** What a text must be like to become a sample. */
export const gateStep = z.strictObject({
  /** Word 5-gram containment from which a text counts as a copy of a seed. */
  seedOverlap: z.number().gt(0).max(1).default(0.6),
  /** Languages that a text may be in. */
  language: z.union([off, language.transform((code) => [code]), z.array(language).min(1)]).default('off'),
  /** Personal data that a text may not have. */
  pii: z.union([off, z.array(z.enum(['email', 'phone', 'card', 'iban', 'ip'])).min(1)]).default('off'),
  /** Whether texts are dropped in which an assistant declines. */
  refusals: z.union([off, on]).default('on'),
});

/** Texts that are like an accepted one. */
const dedupe = z.strictObject({
  /** Jaccard similarity of word 5-grams from which two texts are near duplicates. */
  near: z.union([off, z.number().min(0.3).max(1)]).default(0.8),
  /** Cosine of embeddings from which two texts say the same. */
  semantic: z.union([off, z.number().min(0.7).max(1)]).default(0.95),
  /** Accepted texts of a lane that a new one is compared with, the newest. */
  remember: z.int().min(1).max(10_000_000).default(1_000_000),
  /** Accepted embeddings of a lane that a new one is compared with, the newest. */
  vectors: z.int().min(1).max(2_000_000).default(100_000),
});

export const dedupeStep = z.union([off, dedupe]);

/** Texts that benchmark files hold. */
export const decontaminateStep = z.union([
  off,
  z.strictObject({
    /** Files or globs beside the recipe: JSONL, JSON, CSV, TSV, Parquet or text. */
    files: z.array(z.string().min(1)).min(1),
    /** Words in a row that a text may not share with them. */
    grams: z.int().min(4).max(50).default(13),
    /** Cosine of embeddings from which a text says the same as one of them. */
    cosine: z.union([off, z.number().min(0.7).max(1)]).default(0.95),
  }),
]);
