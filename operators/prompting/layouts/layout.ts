import type { Fields } from '../../../schemas/example.js';
import type { Attributes, Example, Plan } from '../../../schemas/plan.js';
import type { Parsed } from '../parse.js';

/** What closes each text where one answer holds several; shown in lower case inside a value. */
export const endOfExample = 'END OF EXAMPLE';

/** What stands before the fields of a text: its label and its varied values, as far as they are known. */
export type Leads = Pick<Example, 'label' | 'vary'>;

/**
 * How texts of a domain stand in prompts and answers: one layout a file, with a version that calls keep.
 *
 * Nothing that a seed, a document or a draft says can break a layout: its markers and tags are made harmless in every value,
 * so that `parse(text(fields))` gives the fields back, as `plainText` leaves them and but for what was made harmless.
 */
export interface Layout {
  /** Name and version, such as `blocks/1`: what is changed gets a new version. */
  readonly id: string;
  /** A free text with nothing in it that is a marker or tag of this layout, by any number of lines. */
  readonly shown: (text: string) => string;
  /** `Title: value` of the label and of each varied value, one line each. */
  readonly leads: (of: Leads) => readonly string[];
  /** `Title: value` of each attribute, one line each. */
  readonly qualities: (of: Attributes | undefined) => readonly string[];
  /** An example with its leads, closed; `number` counts the examples of a prompt from 1. */
  readonly example: (example: Leads & { readonly fields: Fields }, number: number) => string;
  /** The fields of a text alone, as a conversation shows a draft and as its answer shall look. */
  readonly text: (fields: Fields) => string;
  /** A sentence that asks for an answer in this layout. */
  readonly format: string;
  /** What a context is called. */
  readonly contextTitle: string;
  /** Texts that end an answer in a conversation. */
  readonly stops: readonly string[];
  /** The first text of an answer; what is said before it and after it is left out. */
  readonly parse: (answer: string) => Parsed;
  /** Splits an answer of several texts where one ends; a part may hold none. */
  readonly parts: (answer: string) => readonly string[];
  /** The JSON Schema of an answer, and of one that holds several; none where an answer is not JSON. */
  readonly schema?: {
    readonly one: Readonly<Record<string, unknown>>;
    readonly several: Readonly<Record<string, unknown>>;
  };
}

/** A layout that a base model can continue. */
export interface RawLayout extends Layout {
  /** Texts that end what a base model writes. */
  readonly rawStops: readonly string[];
  /**
   * The start of an opened example: `shared` is the same for all plans with the same examples, `own` has the plan's context, leads and
   * attributes, and ends where the first field's text begins.
   */
  readonly opened: (
    plan: Pick<Plan, 'label' | 'vary' | 'document' | 'attributes'>,
    number: number,
  ) => { readonly shared: string; readonly own: string };
  /** The first text of what was written after `opened`; `grounded` where that has a context. */
  readonly parseRaw: (text: string, grounded: boolean) => Parsed;
}
