import type { Spending } from '../../operators/spending.js';
import { decode, type Kind, type RecordOfKind } from '../../schemas/codec.js';
import type { Quality } from '../../schemas/quality.js';
import type { Verdict } from '../../schemas/verdict.js';
import { readAll } from '../stage/read-all.js';
import type { Topics } from '../topics.js';

/** What the judge has said of all lanes. */
export interface JudgeStatus {
  readonly judged: number;
  readonly disguised: number;
  readonly unreadable: number;
  /** disguised / judged; 0.75 where the judge can but guess. */
  readonly rate: number;
  /** Of the lanes' e-values together: their product is one. Natural logarithms. */
  readonly logDetectable: number;
  readonly logModeSeeking: number;
  readonly decision: Verdict['running']['decision'];
  /** Of all judgements, beside what the ledger says of the samples. */
  readonly spent: Spending & { readonly calls: number };
  readonly lanes: readonly (Verdict['running'] & { readonly lane: number })[];
}

/** The last measurement of each lane. */
export async function newestQuality(topics: Topics): Promise<readonly Quality[]> {
  return newestOfLanes(topics, 'quality', 'quality');
}

/** What all verdicts come to; null where there is none. */
export async function judgeStatus(topics: Topics): Promise<JudgeStatus | null> {
  return judgeStatusOf(await newestOfLanes(topics, 'verdicts', 'verdict'));
}

/** From the last verdict of each lane, which has the sums of those before it. */
export function judgeStatusOf(newest: readonly Verdict[]): JudgeStatus | null {
  if (newest.length === 0) return null;
  const sum = (of: (running: Verdict['running']) => number) =>
    newest.reduce((total, { running }) => total + of(running), 0);
  const [judged, disguised] = [sum((running) => running.judged), sum((running) => running.disguised)];
  return {
    judged,
    disguised,
    unreadable: sum((running) => running.unreadable),
    rate: judged === 0 ? 0 : disguised / judged,
    logDetectable: sum((running) => running.logDetectable),
    logModeSeeking: sum((running) => running.logModeSeeking),
    decision: decisionOf(newest.map(({ running }) => running)),
    spent: newest.map(({ spent }) => spent).reduce(together),
    lanes: newest.map(({ lane, running }) => ({ lane, ...running })),
  };
}

/** One lane's stands; of several, that of the product of their e-values, as several decisions would be several chances of a wrong one. */
function decisionOf(lanes: readonly Verdict['running'][]): Verdict['running']['decision'] {
  const [first, second] = lanes;
  if (first === undefined || second === undefined) return first?.decision ?? 'undecided';
  const needed = Math.log(2 / first.alpha);
  if (lanes.reduce((sum, { logDetectable }) => sum + logDetectable, 0) >= needed) return 'detectable';
  if (lanes.reduce((sum, { logModeSeeking }) => sum + logModeSeeking, 0) >= needed) return 'mode-seeking';
  return 'undecided';
}

function together(a: Verdict['spent'], b: Verdict['spent']): Verdict['spent'] {
  return {
    calls: a.calls + b.calls,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    cost: a.cost === null || b.cost === null ? null : a.cost + b.cost,
    savedCalls: a.savedCalls + b.savedCalls,
    savedTokens: a.savedTokens + b.savedTokens,
    savedCost: a.savedCost === null || b.savedCost === null ? null : a.savedCost + b.savedCost,
  };
}

/** The last record of a kind in each lane; none where the topic is not there, as in the folder of an older version. */
async function newestOfLanes<K extends 'quality' | 'verdict'>(
  topics: Topics,
  topic: string,
  kind: K & Kind,
): Promise<readonly RecordOfKind<K>[]> {
  if (!(await topics.list()).some(({ name }) => name === topic)) return [];
  const last = new Map<number, RecordOfKind<K>>();
  const { length: partitions } = await topics.offsets(topic);
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { value, headers } of readAll(topics, topic, partition)) {
      const record = value === null ? undefined : decode(value, headers);
      if (isKind(record, kind)) last.set(partition, record);
    }
  }
  return [...last.values()];
}

function isKind<K extends Kind>(record: { readonly kind: Kind } | undefined, kind: K): record is RecordOfKind<K> {
  return record?.kind === kind;
}
