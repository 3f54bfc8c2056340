import { HeadwaterError } from '../../schemas/errors.js';

/** Records of a file that were left out. */
export interface SkippedRecords {
  readonly count: number;
  /** By reason, in kebab-case. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Some of the first. */
  readonly first: readonly { readonly place: string; readonly reason: string; readonly message: string }[];
}

/** Skipped records that are named one by one. */
const shownSkips = 5;

/** Counts what is left out, and why. */
export class Skips {
  readonly #reasons = new Map<string, number>();
  readonly #first: { place: string; reason: string; message: string }[] = [];
  #count = 0;

  add(place: string, reason: string, message: string): void {
    this.#count += 1;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#first.length < shownSkips) this.#first.push({ place, reason, message });
  }

  get summary(): SkippedRecords {
    return { count: this.#count, reasons: Object.fromEntries(this.#reasons), first: [...this.#first] };
  }
}

/** The error of a file with fewer records than are needed: with none, unless `have` says what it has. */
export function tooFewRecords(
  file: string,
  { count, first: [example] }: SkippedRecords,
  have = 'no record to use',
): HeadwaterError {
  const because = example && `; ${count} were skipped, such as ${example.place}: ${example.message}`;
  return new HeadwaterError('input-unreadable', `${file} has ${have}${because ?? ''}. See --field and --vectors`);
}
