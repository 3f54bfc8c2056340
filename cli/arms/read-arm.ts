import { NearDuplicates } from '../../operators/quality/near-duplicates.js';
import { textOf } from '../../operators/synalign/embed.js';
import { decode, parseJson } from '../../schemas/codec.js';
import type { Recipe } from '../../schemas/recipe.js';
import { type LedgerSums, ledgerSums } from '../../streams/river/river-status.js';
import { readAll } from '../../streams/stage/read-all.js';
import { isJournal } from '../../streams/stage/stage.js';
import type { StoredMessage, Topics } from '../../streams/topics.js';

/** What an arm has made so far, by its topics alone. */
export interface ArmRecord {
  readonly ledger: LedgerSums;
  /** The accepted samples that the topic still holds, in order; of more than a few thousand, the first. */
  readonly texts: readonly string[];
  readonly embeddings: readonly Float32Array[];
  /** Accepted samples that say word for word what an earlier one says. */
  readonly exactDuplicates: number;
  /** Accepted samples whose word 5-grams are nearly those of an earlier one, the exact ones among them. */
  readonly nearDuplicates: number;
  readonly calls: Calls;
}

/** The answers that an arm has used, by its journals. */
export interface Calls {
  readonly count: number;
  /** Those of them that another run had paid for. */
  readonly reused: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** In which at least one of them was being answered, whichever run asked: no pause and no loading of models is in it. */
  readonly seconds: number;
}

/** Samples whose diversity is measured. */
const maxSamples = 2000;

/** Reads what an arm has made. */
export async function readArm({ domain }: Recipe, topics: Topics): Promise<ArmRecord> {
  const texts: string[] = [];
  const embeddings: Float32Array[] = [];
  const seen = new Set<string>();
  const near = new NearDuplicates({ capacity: 1_000_000 });
  let [exactDuplicates, nearDuplicates] = [0, 0];
  for await (const { value, headers } of messages(topics, 'samples')) {
    const record = value === null ? undefined : decode(value, headers);
    if (record?.kind !== 'sample') continue;
    const text = textOf(record.fields, domain);
    const signature = near.signatureOf(text);
    if (seen.has(text)) exactDuplicates += 1;
    if (near.find(signature) !== undefined) nearDuplicates += 1;
    seen.add(text);
    near.add(signature);
    if (texts.length === maxSamples || record.embedding === undefined) continue;
    texts.push(text);
    embeddings.push(record.embedding);
  }
  const [ledger, calls] = [await ledgerSums(topics), await callsOf(topics)];
  return { ledger, texts, embeddings, exactDuplicates, nearDuplicates, calls };
}

/** What of an answer counts; of what a journal holds beside, nothing does. */
interface Answer {
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number };
  readonly startedAt: number;
  readonly milliseconds: number;
  readonly reused?: boolean;
}

async function callsOf(topics: Topics): Promise<Calls> {
  let [count, reused, promptTokens, completionTokens] = [0, 0, 0, 0];
  const spans: Span[] = [];
  for (const { name } of await topics.list()) {
    if (!isJournal(name)) continue;
    for await (const { value } of messages(topics, name)) {
      if (value === null) continue;
      const answer = parseJson(value) as Answer;
      count += 1;
      if (answer.reused === true) reused += 1;
      promptTokens += answer.usage.promptTokens;
      completionTokens += answer.usage.completionTokens;
      spans.push({ from: answer.startedAt, to: answer.startedAt + answer.milliseconds });
    }
  }
  return { count, reused, promptTokens, completionTokens, seconds: Math.round(covered(spans) / 100) / 10 };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** How much time lies in at least one of the spans. */
export function covered(spans: readonly Span[]): number {
  let [total, end] = [0, Number.NEGATIVE_INFINITY];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    total += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return total;
}

async function* messages(topics: Topics, topic: string): AsyncGenerator<StoredMessage, void, undefined> {
  const { length: partitions } = await topics.offsets(topic);
  for (let partition = 0; partition < partitions; partition++) yield* readAll(topics, topic, partition);
}
