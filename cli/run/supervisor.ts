import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

import { HeadwaterError } from '../../schemas/errors.js';
import type { GroupMember } from '../../streams/kafka/kafka-group.js';
import { exitCodes } from '../exit-codes.js';
import { type WorkerMessage, workerMessage } from './supervision.js';

export interface SupervisorOptions {
  /** Workers that run at once, from 1. */
  readonly workers: number;
  /** Starts a worker: a process with an IPC channel, and pipes for what it writes. */
  readonly start: (worker: number) => ChildProcess;
  /** Called when a worker died, with the groups it was in, and the name in its reports. */
  readonly died: (members: readonly GroupMember[], report: string | undefined) => void;
  /** Lines for a person. */
  readonly say: (line: string) => void;
  /**
   * Of the pause before a worker is started again; it doubles with each death. Long enough that the others have taken over before
   * its return moves partitions once more. @default 5000
   */
  readonly firstPauseMs?: number;
}

/** Others have what a worker held by then; one that joins before that makes them share anew, and each of them begin again. */
const defaultPauseMs = 5000;
/** The pause grows up to this; a worker that lived as long begins anew with the first. */
const lastPauseMs = 30_000;
/** Failures of a worker, within `failuresMs`, after which no more is hoped for. */
const maxFailures = 3;
const failuresMs = 10 * 60_000;

interface Worker {
  readonly number: number;
  child: ChildProcess | undefined;
  startedAt: number;
  pauseMs: number;
  restart: NodeJS.Timeout | undefined;
  /** Times of its failures. */
  failures: number[];
  readonly members: Map<string, string>;
  report: string | undefined;
  obstacle: string | undefined;
  failure: { readonly error: HeadwaterError } | undefined;
  isDone: boolean;
}

/**
 * Keeps as many workers running as are asked for. One that dies is started again, after a pause that grows to 30 s; one that cannot go on
 * three times within ten minutes, or finds its input wrong, ends them all.
 */
export class Supervisor {
  /** `complete`: every worker found all done; `stopped`: after `stop`. Rejects with what ended a worker for good. */
  readonly done: Promise<'complete' | 'stopped'>;
  readonly #workers: readonly Worker[];
  #ending: 'stopped' | HeadwaterError | undefined;
  #settle: { resolve: (end: 'complete' | 'stopped') => void; reject: (error: unknown) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };

  constructor(private readonly options: SupervisorOptions) {
    const { workers, firstPauseMs = defaultPauseMs } = options;
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#workers = Array.from({ length: workers }, (_, index) => ({
      number: index + 1,
      child: undefined,
      startedAt: 0,
      pauseMs: firstPauseMs,
      restart: undefined,
      failures: [],
      members: new Map(),
      report: undefined,
      obstacle: 'starting',
      failure: undefined,
      isDone: false,
    }));
    for (const worker of this.#workers) this.#start(worker);
  }

  /** Why not all workers are at work on what they hold; undefined when they are. */
  get obstacle(): string | undefined {
    if (this.#ending !== undefined) return 'draining';
    const held = this.#workers.find(({ obstacle }) => obstacle !== undefined);
    return held && `worker ${held.number}: ${held.obstacle}`;
  }

  /** Workers that run now. */
  get running(): number {
    return this.#workers.filter(({ child }) => child !== undefined).length;
  }

  /** Asks all workers to finish; the second time, to stop at once. */
  stop(): void {
    this.#end('stopped');
  }

  #end(how: 'stopped' | HeadwaterError): void {
    this.#ending ??= how;
    for (const worker of this.#workers) {
      clearTimeout(worker.restart);
      worker.restart = undefined;
      worker.child?.kill('SIGTERM');
    }
    this.#settleWhenDone();
  }

  #start(worker: Worker): void {
    const child = this.options.start(worker.number);
    Object.assign(worker, { child, startedAt: performance.now(), report: undefined, failure: undefined });
    Object.assign(worker, { obstacle: 'starting', restart: undefined });
    worker.members.clear();
    child.on('message', (message) => this.#heard(worker, message));
    const lines = child.stderr && createInterface({ input: child.stderr });
    lines?.on('line', (line) => this.options.say(`worker ${worker.number}: ${line}`));
    child.once('error', (error) => this.options.say(`worker ${worker.number}: ${error.message}`));
    // Only then is all read that it wrote and told.
    child.once('close', (code, signal) => this.#ended(worker, code, signal));
  }

  #heard(worker: Worker, received: unknown): void {
    const message: WorkerMessage | undefined = workerMessage.safeParse(received).data;
    if (message?.type === 'member') worker.members.set(message.group, message.memberId);
    else if (message?.type === 'worker') worker.report = message.worker;
    else if (message?.type === 'obstacle') worker.obstacle = message.reason ?? undefined;
    else if (message?.type === 'failed') worker.failure = { error: new HeadwaterError(message.code, message.message) };
  }

  #ended(worker: Worker, code: number | null, signal: NodeJS.Signals | null): void {
    worker.child = undefined;
    const members = [...worker.members].map(([group, memberId]) => ({ group, memberId }));
    // Who ended by itself has left its groups; to leave twice harms nothing.
    if (code !== exitCodes.done && code !== exitCodes.interrupted) this.options.died(members, worker.report);
    if (this.#ending !== undefined) this.#settleWhenDone();
    else if (code === exitCodes.done) this.#finished(worker);
    else this.#startAgain(worker, code, signal);
  }

  #finished(worker: Worker): void {
    worker.isDone = true;
    worker.obstacle = undefined;
    this.#settleWhenDone();
  }

  #startAgain(worker: Worker, code: number | null, signal: NodeJS.Signals | null): void {
    const { firstPauseMs = defaultPauseMs, say } = this.options;
    const now = performance.now();
    const name = `worker ${worker.number}`;
    const { error } = worker.failure ?? {};
    if (code === exitCodes.wrongInput) {
      this.#end(error ?? new HeadwaterError('operator-failed', `${name} ended with ${code}: see what it wrote above`));
      return;
    }
    if (code === exitCodes.failed) {
      worker.failures = [...worker.failures.filter((at) => now - at < failuresMs), now];
      if (worker.failures.length >= maxFailures) {
        const text = `${name} failed ${maxFailures} times`;
        const last = error ?? new HeadwaterError('operator-failed', 'see what it wrote above');
        this.#end(new HeadwaterError(last.code, `${text}: ${last.message}`, { cause: last }));
        return;
      }
    }
    if (now - worker.startedAt >= lastPauseMs) worker.pauseMs = firstPauseMs;
    const why = error === undefined ? `ended by ${signal ?? `exit ${code}`}` : `failed: ${error.message}`;
    const { pauseMs } = worker;
    worker.obstacle = why;
    worker.restart = setTimeout(() => this.#start(worker), pauseMs);
    worker.pauseMs = Math.min(2 * pauseMs, lastPauseMs);
    say(`${name} ${why}; it is started again in ${(pauseMs / 1000).toFixed(1)} s`);
  }

  #settleWhenDone(): void {
    if (this.#ending === undefined) {
      if (this.#workers.every(({ isDone }) => isDone)) this.#settle.resolve('complete');
    } else if (this.running === 0) {
      if (this.#ending === 'stopped') this.#settle.resolve('stopped');
      else this.#settle.reject(this.#ending);
    }
  }
}
