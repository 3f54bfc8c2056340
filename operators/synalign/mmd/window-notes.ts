import { z } from 'zod';
import { HeadwaterError } from '../../../schemas/errors.js';
import { id } from '../../../schemas/record.js';
import type { Changes } from '../../flow/outcome.js';

/** What is kept of a real record beside its embedding. */
export const realNote = z.object({ id: id(), text: z.string(), label: z.string().optional() });

/** What is kept of a sample beside its embedding and ordinal. */
export const sampleNote = z.object({
  label: z.string().optional(),
  /** That of the samples that were written from the same attributes, or together. */
  group: z.string().optional(),
  /** Whether an earlier one of its group was in the window when it came. */
  sibling: z.literal(true).optional(),
  attributes: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
});

export type RealNote = z.infer<typeof realNote>;
export type SampleNote = z.infer<typeof sampleNote>;

/**
 * Notes on the embeddings of a window, by slot, under `name/SLOT` in the memory.
 *
 * A slot without a note, as an older memory has it, has none here. O(capacity) notes.
 */
export class WindowNotes<Note> {
  readonly #name: string;
  readonly #notes: (Note | undefined)[];

  /** Throws `HeadwaterError` with `record-invalid` where a note is damaged. */
  constructor(name: string, capacity: number, memory: ReadonlyMap<string, unknown>, type: z.ZodType<Note>) {
    this.#name = name;
    this.#notes = Array.from({ length: capacity }, (_, slot) => {
      const stored = memory.get(`${name}/${slot}`) ?? undefined;
      if (stored === undefined) return undefined;
      const { data, success } = type.safeParse(stored);
      if (success) return data;
      throw new HeadwaterError('record-invalid', `the memory holds a note '${name}/${slot}' that cannot be read`);
    });
  }

  get(slot: number): Note | undefined {
    return this.#notes[slot];
  }

  /** Writes a note, or strikes the one that is there. Returns what the memory must hold. */
  set(slot: number, note: Note | undefined): Changes {
    const before = this.#notes[slot];
    this.#notes[slot] = note;
    return note === undefined && before === undefined ? [] : [[`${this.#name}/${slot}`, note ?? null]];
  }
}
