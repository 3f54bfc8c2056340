import { hashFloat } from '../../operators/kernels/random.js';
import { stageNames } from '../../streams/river/stages.js';
import { type Method, sessionMs, type Transport } from './scene.js';

/** When a fault comes: where a process passes a named point, or so long after it has started. */
export type Moment = { readonly at: string } | { readonly afterMs: number };

/** What befalls a worker: SIGKILL, or sleep by SIGSTOP until a SIGCONT. */
export type Fault = Moment & ({ readonly does: 'kill' } | { readonly does: 'pause'; readonly forMs: number });

/** What a pipeline goes through: a pure function of its seed. */
export interface Ordeal {
  readonly lanes: number;
  readonly workers: number;
  /** Whether the endpoint is. */
  readonly slow: boolean;
  /** When the broker is killed, to start again on the same data. */
  readonly brokerAfterMs: number | undefined;
  /** What the life of a worker meets that has met so many faults before. */
  faultOf(worker: number, life: number, before: number): Fault | undefined;
}

interface Point {
  readonly name: string;
  /** How often an uninterrupted run passes it, about. */
  readonly passes: number;
}

const points: readonly Point[] = [
  ...stageNames
    .filter((stage) => stage !== 'reason')
    .flatMap((stage) => {
      const passes = stage === 'shard' || stage === 'manifest' ? 7 : 16;
      return [
        { name: `${stage}.commit.before`, passes },
        { name: `${stage}.commit.after`, passes },
      ];
    }),
  ...['draft', 'refine'].flatMap((stage) => [
    { name: `journal.${stage}.append.before`, passes: 40 },
    { name: `journal.${stage}.append.after`, passes: 40 },
  ]),
  { name: 'shard.rename.before', passes: 7 },
  { name: 'shard.rename.after', passes: 7 },
  { name: 'manifest.line.before', passes: 7 },
  { name: 'manifest.line.after', passes: 7 },
  { name: 'seeds.append.before', passes: 1 },
  { name: 'seeds.append.after', passes: 1 },
  { name: 'real.append.before', passes: 1 },
  { name: 'real.append.after', passes: 1 },
];

/** Those that only a river with the method synalign passes. */
const reasoningPoints: readonly Point[] = [
  { name: 'reason.commit.before', passes: 16 },
  { name: 'reason.commit.after', passes: 16 },
  { name: 'journal.reason.append.before', passes: 12 },
  { name: 'journal.reason.append.after', passes: 12 },
];

/** Faults of a pipeline on the log, which has one worker. */
const logFaults = 4;
/** By worker: each one costs a session on Kafka, and one of several workers stays whole. */
const kafkaFaults: readonly (readonly number[])[] = [[2], [2, 1], [2, 1, 0]];

/** An uninterrupted run on the log takes about two seconds, of which the first half passes before the first call. */
const longestMs: Readonly<Record<Transport['kind'], number>> = { log: 1600, kafka: 9000 };

export function ordealOf(seed: number, kind: Transport['kind'], method: Method = 'bare'): Ordeal {
  if (kind === 'log') {
    return {
      lanes: 1 + (seed % 2),
      workers: 1,
      slow: false,
      brokerAfterMs: undefined,
      faultOf: (_, life, before) =>
        before < logFaults ? killOf(seed, kind, life, before === logFaults - 1, 4, method) : undefined,
    };
  }
  const draw = (what: string) => hashFloat(seed, 'ordeal', what);
  const workers = 1 + (seed % 3);
  return {
    lanes: workers === 1 ? 1 + (seed % 2) : 2,
    workers,
    slow: seed % 4 === 1,
    brokerAfterMs: seed % 6 === 5 ? 1000 + Math.round(draw('broker') * 7000) : undefined,
    faultOf: (worker, life, before) => {
      const most = kafkaFaults[workers - 1]?.[worker] ?? 0;
      return before < most ? kafkaFault(seed, worker, life, before === most - 1) : undefined;
    },
  };
}

/** One in three is a sleep that outlasts the session, so that others have the partitions when it ends. */
function kafkaFault(seed: number, worker: number, life: number, isLast: boolean): Fault {
  const { does: _, ...moment } = killOf(seed, 'kafka', 10 * worker + life, isLast, 8);
  const draw = (what: string) => hashFloat(seed, 'kafka', worker, life, what);
  if (draw('does') >= 1 / 3) return { ...moment, does: 'kill' };
  return { ...moment, does: 'pause', forMs: sessionMs + 500 + Math.round(draw('length') * 2500) };
}

/**
 * The kill of a life. One in four comes from outside. A point is passed for less than a quarter of a run, so that there is
 * something left for the lives that follow; the last kill may come later, so also near the end.
 */
function killOf(
  seed: number,
  kind: Transport['kind'],
  life: number,
  isLast: boolean,
  part: number,
  method: Method = 'bare',
): Fault {
  const draw = (what: string) => hashFloat(seed, 'crash', life, what);
  if (draw('how') < 0.25) return { does: 'kill', afterMs: Math.round(draw('time') * longestMs[kind]) };
  const passed = method === 'bare' ? points : [...points, ...reasoningPoints, ...reasoningPoints];
  const point = passed[Math.floor(draw('point') * passed.length)] ?? { name: 'plan.commit.before', passes: 1 };
  const nth = 1 + Math.floor((draw('nth') * point.passes) / (isLast ? part / 2 : part));
  return { does: 'kill', at: `${point.name}#${nth}` };
}
