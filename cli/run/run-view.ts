import type { Correction } from '../../schemas/correction.js';
import type { Quality } from '../../schemas/quality.js';
import type { Sample } from '../../schemas/sample.js';
import type { Verdict } from '../../schemas/verdict.js';
import type { EndpointReport } from '../../schemas/worker-report.js';
import { type JudgeStatus, judgeStatusOf } from '../../streams/river/quality-status.js';
import { addOutcomes, noOutcomes, type OutcomeCounts } from '../../streams/stage/outcome-counts.js';
import type { Committed } from '../../streams/stage/run-task.js';

/** What is known of a stage while a run goes on. */
export interface StageView {
  readonly name: string;
  readonly counts: OutcomeCounts;
  /** Records inside operators or waiting for their commit. */
  readonly inFlight: number;
  /** Records that the stage has not consumed yet. */
  readonly lag: number;
}

export interface RoleView {
  readonly role: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly calls: number;
}

/** All that a run shows. */
export interface RunView {
  readonly name: string;
  readonly target: number | null;
  readonly accepted: number;
  /** Accepted when this run started. */
  readonly acceptedBefore: number;
  readonly elapsedMs: number;
  readonly stages: readonly StageView[];
  readonly roles: readonly RoleView[];
  /** US dollars of this run; null where a price is not known. */
  readonly cost: number | null;
  /** MMD² of the last corrections, oldest first. */
  readonly mmd2: readonly number[];
  /** The last correction of this run, of any lane. */
  readonly correction?: Correction | undefined;
  /** The last measurement of this run, of any lane. */
  readonly quality?: Quality | undefined;
  /** Null where nothing was judged in this run. */
  readonly judge?: JudgeStatus | null;
  /** Of the models that are asked over HTTP. */
  readonly endpoints?: readonly EndpointReport[];
  readonly shards: number;
  readonly shardDir: string;
}

const keptCorrections = 40;

/** Gathers what the stages commit and the models answer. */
export class RunWatch {
  #started: number;
  readonly #counts = new Map<string, Map<number, OutcomeCounts>>();
  readonly #tokens = new Map<string, { promptTokens: number; completionTokens: number; calls: number }>();
  readonly #mmd2: number[] = [];
  /** The newest samples of this run. */
  readonly samples: Sample[] = [];
  /** How the endpoints do that this process asks. */
  endpoints: () => readonly EndpointReport[] = () => [];
  /** Told of each sample when it is committed. */
  sampled: (sample: Sample) => void = () => undefined;
  #priced = true;
  #cost = 0;
  #newest: Correction | undefined;
  #quality: Quality | undefined;
  /** The last of each lane. */
  readonly #verdicts = new Map<number, Verdict>();
  accepted: number;
  shards = 0;

  constructor(
    readonly acceptedBefore: number,
    private readonly now: () => number = performance.now.bind(performance),
  ) {
    this.accepted = acceptedBefore;
    this.#started = now();
  }

  /** Starts the clock, when what comes before the first plan is done. */
  begin(): void {
    this.#started = this.now();
  }

  get elapsedMs(): number {
    return this.now() - this.#started;
  }

  get correction(): Correction | undefined {
    return this.#newest;
  }

  get cost(): number | null {
    return this.#priced ? this.#cost : null;
  }

  get quality(): Quality | undefined {
    return this.#quality;
  }

  get judge(): JudgeStatus | null {
    return judgeStatusOf([...this.#verdicts.values()]);
  }

  get mmd2(): readonly number[] {
    return this.#mmd2;
  }

  /** Takes what a stage has committed. */
  committed({ stage, partition, outcomes, counts }: Committed): void {
    const byPartition = this.#counts.get(stage) ?? new Map<number, OutcomeCounts>();
    this.#counts.set(stage, byPartition.set(partition, counts));
    for (const outcome of outcomes) {
      if (outcome.kind !== 'emitted') continue;
      for (const output of outcome.outputs) {
        if (output.kind === 'sample') this.#accept(output);
        else if (output.kind === 'shard') this.shards++;
        else if (output.kind === 'correction') this.#correct(output);
        else if (output.kind === 'quality') this.#quality = output;
        else if (output.kind === 'verdict') this.#verdicts.set(output.lane, output);
      }
    }
  }

  /** The meter of the models. */
  count(name: string, value = 1, attributes: Readonly<Record<string, string>> = {}): void {
    const role = attributes['role'];
    if (role === undefined) return;
    const tokens = this.#tokens.get(role) ?? { promptTokens: 0, completionTokens: 0, calls: 0 };
    this.#tokens.set(role, tokens);
    if (name === 'prompt_tokens') tokens.promptTokens += value;
    else if (name === 'completion_tokens') tokens.completionTokens += value;
    else if (name === 'model_calls') tokens.calls += value;
    else if (name === 'cost_usd') this.#cost += value;
    else if (name === 'cost_unknown') this.#priced = false;
  }

  countsOf(stage: string): OutcomeCounts {
    return [...(this.#counts.get(stage)?.values() ?? [])].reduce(addOutcomes, noOutcomes);
  }

  roles(): readonly RoleView[] {
    return [...this.#tokens].map(([role, tokens]) => ({ role, ...tokens }));
  }

  #accept(sample: Sample): void {
    this.accepted++;
    this.samples.push(sample);
    if (this.samples.length > keptSamples) this.samples.shift();
    this.sampled(sample);
  }

  #correct(correction: Correction): void {
    this.#newest = correction;
    this.#mmd2.push(correction.mmd2);
    if (this.#mmd2.length > keptCorrections) this.#mmd2.shift();
  }
}

const keptSamples = 1000;
