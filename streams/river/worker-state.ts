import type { EndpointReport, WorkerReportState } from '../../schemas/worker-report.js';
import type { BrokerState } from '../kafka/persistence.js';
import type { StageRun } from '../stage/run-stage.js';

/** What is known of a stage that this process runs. */
export type StageAtWork = Pick<StageRun, 'name' | 'done' | 'inFlight' | 'holdings'>;

/** How this process fares as a worker: what its reports and its health say. */
export class WorkerState {
  readonly #listeners: (() => void)[] = [];
  #stages: readonly StageAtWork[] | undefined;
  #broker: BrokerState = { kind: 'connected' };
  #draining = false;
  #failure: string | undefined;
  /** How the endpoints do that this process asks. */
  endpoints: () => readonly EndpointReport[] = () => [];

  /** Those that have joined their groups. */
  get stages(): readonly StageAtWork[] {
    return this.#stages ?? [];
  }

  get state(): WorkerReportState {
    if (this.#draining) return 'draining';
    if (this.#broker.kind === 'waiting') return 'waiting for broker';
    return this.#stages === undefined ? 'starting' : 'running';
  }

  get brokersAreAway(): boolean {
    return this.#broker.kind === 'waiting';
  }

  /** Why the first stage that failed did; undefined while all live. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Why the worker is not at work on all that it holds; undefined when it is. */
  get obstacle(): string | undefined {
    if (this.#failure !== undefined) return `failed: ${this.#failure}`;
    if (this.#draining) return 'draining';
    if (this.#broker.kind === 'waiting') return `waiting for broker: ${this.#broker.reason}`;
    if (this.#stages === undefined) return 'starting';
    for (const { name, holdings } of this.#stages) {
      const restoring = holdings.find(({ restoreMs }) => restoreMs === null);
      if (restoring === undefined) continue;
      const { read, total } = restoring.restoring ?? { read: 0, total: 0 };
      return `restoring ${name}/${restoring.partition} (${read} of ${total})`;
    }
    return undefined;
  }

  /** Listeners are told of every change but that of counts. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** To be told that what the stages hold is no longer as it was. */
  readonly changed = (): void => {
    for (const listener of this.#listeners) listener();
  };

  /** To be told of `openKafka`'s broker. */
  readonly brokerChanged = (state: BrokerState): void => {
    this.#broker = state;
    this.changed();
  };

  /** All stages of this process are in their groups. */
  begin(stages: readonly StageAtWork[]): void {
    this.#stages = stages;
    for (const { name, done } of stages) done.catch((error) => this.#fail(name, error));
    this.changed();
  }

  /** Nothing more is taken in. */
  drain(): void {
    this.#draining = true;
    this.changed();
  }

  #fail(stage: string, error: unknown): void {
    this.#failure ??= `stage ${stage}: ${error instanceof Error ? error.message : String(error)}`;
    this.changed();
  }
}
