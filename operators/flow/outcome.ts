import type { Call } from '../../schemas/call.js';
import type { PaidCall } from '../spending.js';

/** Entries of an operator's memory that an outcome changed: a JSON value by key, or null where the key is gone. */
export type Changes = readonly (readonly [key: string, value: unknown])[];

interface Ending<In> {
  /** The very object that came in: the runtime acknowledges it by identity. */
  readonly input: In;
  /** What the operator's memory must hold from now on; committed with the input. */
  readonly changes?: Changes;
}

/** It gave rise to records, none or many, which go on. */
export interface Emitted<In, Out> extends Ending<In> {
  readonly kind: 'emitted';
  readonly outputs: readonly Out[];
}

/** It went into the operator's memory, or only moved it. */
export interface Absorbed<In> extends Ending<In> {
  readonly kind: 'absorbed';
}

/** It ends here, for a reason that is counted. */
export interface Dropped<In> extends Ending<In> {
  readonly kind: 'dropped';
  /** In kebab-case, such as `unparsable`. */
  readonly reason: string;
  /** What was said, for a person: the evidence. */
  readonly detail?: string;
  /** Model calls that were spent on it in this stage. */
  readonly calls?: readonly PaidCall[];
}

/** It could not be processed, and waits among the dead letters to be put back. */
export interface Dead<In> extends Ending<In> {
  readonly kind: 'dead';
  readonly code: string;
  readonly message: string;
  readonly calls?: readonly Call[];
}

/** Every record that enters an operator leaves it as exactly one of these. */
export type Outcome<In, Out> = Emitted<In, Out> | Absorbed<In> | Dropped<In> | Dead<In>;
