/** A parsed manifest. */
export type Manifest = Readonly<Record<string, unknown>>;

export interface RecipeFacts {
  readonly recipe: unknown;
  /** The topic that each scaled stage consumes. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The model that each scaled stage asks. */
  readonly models: Readonly<Record<string, string>>;
}

type Problems = readonly string[];

export function workloads(documents: readonly Manifest[]): readonly Manifest[];
export function podProblems(documents: readonly Manifest[]): Problems;
export function workloadProblems(
  documents: readonly Manifest[],
  facts: { readonly knownFlags: readonly string[] },
): Problems;
export function stageProblems(documents: readonly Manifest[], facts: { readonly stages: readonly string[] }): Problems;
export function budgetProblems(documents: readonly Manifest[]): Problems;
export function referenceProblems(documents: readonly Manifest[], secrets: readonly Manifest[]): Problems;
export function scalerProblems(documents: readonly Manifest[], facts: RecipeFacts): Problems;
