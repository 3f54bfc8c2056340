import { hashFloat } from '../../operators/kernels/random.js';
import { stageNames } from '../../streams/river/stages.js';

/** Where a process is killed: by itself at a named point, or from outside at any time. */
export type Kill = { readonly at: string } | { readonly afterMs: number };

interface Point {
  readonly name: string;
  /** How often an uninterrupted run passes it, about. */
  readonly passes: number;
}

const points: readonly Point[] = [
  ...stageNames.flatMap((stage) => {
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

/** An uninterrupted run takes about two seconds, of which the first half passes before the first call. */
const longestMs = 1600;

/**
 * The kill of a life: a pure function of the seed. One in four comes from outside. A point is passed for less than a quarter of a
 * run, so that there is something left for the lives that follow; the last kill may come later, so also near the end.
 */
export function killOf(seed: number, life: number, isLast: boolean): Kill {
  const draw = (what: string) => hashFloat(seed, 'crash', life, what);
  if (draw('how') < 0.25) return { afterMs: Math.round(draw('time') * longestMs) };
  const point = points[Math.floor(draw('point') * points.length)] ?? { name: 'plan.commit.before', passes: 1 };
  const nth = 1 + Math.floor((draw('nth') * point.passes) / (isLast ? 2 : 4));
  return { at: `${point.name}#${nth}` };
}
