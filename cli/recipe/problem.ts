/** A thing that is wrong with a recipe: where, and what to do about it. */
export interface Problem {
  readonly path: readonly string[];
  readonly text: string;
}
