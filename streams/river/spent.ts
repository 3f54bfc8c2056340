import { type Spending, spendingOf } from '../../operators/spending.js';
import type { Call } from '../../schemas/call.js';
import { type AnyRecord, decode, parseJson } from '../../schemas/codec.js';
import type { Plan } from '../../schemas/plan.js';
import { readAll } from '../stage/read-all.js';
import { journalTopic } from '../stage/stage.js';
import { answerCause } from '../stage/task-journal.js';
import type { GroupOffset, Topics } from '../topics.js';

/** What was paid for: reused answers are not among it. */
export interface Spent {
  /** Of prompts and answers. */
  readonly tokens: number;
  /** US dollars; null where a price was not known. */
  readonly usd: number | null;
}

/** A stage that asks models, with the topic of what it makes and who consumes that. */
const askingStages = [
  { stage: 'reason', output: 'reasoned', consumer: 'draft' },
  { stage: 'draft', output: 'drafts', consumer: 'refine' },
  { stage: 'refine', output: 'refined', consumer: 'align' },
] as const;
/** Its verdicts say what it has spent so far. */
const judging = 'judge';

/**
 * What all runs on a pipeline's topics have paid for: by the ledger for the plans that have ended, by the calls of drafts and
 * refined texts for those on their way, by the last verdicts for the judge, and by the journals for answers that no commit has used
 * yet. While others write, what moves on between two looks counts twice. Left out are answers of which no commit tells: of an in-one
 * group, or of plans that share their attributes, while they are committed in part, and of judgements that died after the last
 * verdict. A second look reads only what is new on the ledger.
 */
export class SpentReader {
  /** Where to go on, by topic and partition. */
  readonly #next = new Map<string, number>();
  #ended: Spent = { tokens: 0, usd: 0 };
  /** By lane. */
  readonly #judged = new Map<number, Spent>();

  constructor(private readonly topics: Topics) {}

  async read(): Promise<Spent> {
    const there = new Set((await this.topics.list()).map(({ name }) => name));
    let open: Spent = { tokens: 0, usd: 0 };
    // Along the river, so that what moves on meanwhile is met again.
    for (const { stage, output, consumer } of askingStages) {
      if (there.has(journalTopic(stage))) open = sum(open, await this.#journaled(stage));
      if (there.has(output)) open = sum(open, await this.#onTheWay(output, consumer));
    }
    if (there.has(journalTopic(judging))) open = sum(open, await this.#journaled(judging));
    if (there.has('ledger')) await this.#readOn('ledger');
    if (there.has('verdicts')) await this.#readOn('verdicts');
    return [...this.#judged.values()].reduce(sum, sum(this.#ended, open));
  }

  /** Answers of inputs that their stage has not committed. */
  async #journaled(stage: string): Promise<Spent> {
    const topic = journalTopic(stage);
    const committed = await this.topics.committed(stage);
    let spent: Spent = { tokens: 0, usd: 0 };
    for (const partition of await this.#partitions(topic)) {
      const from = offsetIn(committed, topic, partition);
      for await (const { value, headers } of readAll(this.topics, topic, partition, from)) {
        const cause = answerCause(headers);
        if (value === null || cause.offset < offsetIn(committed, cause.topic, partition)) continue;
        spent = sum(spent, paidAnswer(parseJson(value)));
      }
    }
    return spent;
  }

  /** The calls of records that their consumer has not committed. */
  async #onTheWay(topic: string, consumer: string): Promise<Spent> {
    const committed = await this.topics.committed(consumer);
    let spent: Spent = { tokens: 0, usd: 0 };
    for (const partition of await this.#partitions(topic)) {
      const from = offsetIn(committed, topic, partition);
      for await (const { value, headers } of readAll(this.topics, topic, partition, from)) {
        if (value !== null) spent = sum(spent, paid(spendingOf(callsOf(decode(value, headers)))));
      }
    }
    return spent;
  }

  async #readOn(topic: string): Promise<void> {
    for (const partition of await this.#partitions(topic)) {
      const place = `${topic}/${partition}`;
      for await (const message of readAll(this.topics, topic, partition, this.#next.get(place) ?? 0)) {
        this.#next.set(place, message.offset + 1);
        if (message.value !== null) this.#take(decode(message.value, message.headers));
      }
    }
  }

  #take(record: AnyRecord): void {
    if (record.kind === 'ledger-entry') this.#ended = sum(this.#ended, paid(record));
    else if (record.kind === 'verdict') this.#judged.set(record.lane, paid(record.spent));
  }

  async #partitions(topic: string): Promise<readonly number[]> {
    return [...(await this.topics.offsets(topic)).keys()];
  }
}

/** What was paid of sums in which reused answers may be. */
function paid(
  sums: Pick<Spending, 'promptTokens' | 'completionTokens' | 'cost'> & { savedTokens?: number | undefined },
) {
  const { promptTokens, completionTokens, cost, savedTokens = 0 } = sums;
  return { tokens: promptTokens + completionTokens - savedTokens, usd: cost };
}

/** Of an answer as a journal has it, which may be another version's: what is not there counts as nothing. */
function paidAnswer(answer: unknown): Spent {
  if (field(answer, 'reused') === true) return { tokens: 0, usd: 0 };
  const usage = field(answer, 'usage');
  const cost = field(answer, 'cost');
  const count = (name: string) => Number(field(usage, name)) || 0;
  return {
    tokens: count('promptTokens') + count('completionTokens'),
    usd: typeof cost === 'number' ? cost : null,
  };
}

function callsOf(record: AnyRecord): readonly Call[] {
  switch (record.kind) {
    case 'reasoned':
      return attributeCalls(record.plan);
    case 'draft':
    case 'refined':
      return [...attributeCalls(record.plan), ...record.calls];
    default:
      return [];
  }
}

/** A plan's share of what its attributes cost. */
function attributeCalls({ attributes }: Plan): readonly Call[] {
  return attributes?.calls ?? [];
}

function offsetIn(committed: readonly GroupOffset[], topic: string, partition: number): number {
  return committed.find((each) => each.topic === topic && each.partition === partition)?.offset ?? 0;
}

function sum(a: Spent, b: Spent): Spent {
  return { tokens: a.tokens + b.tokens, usd: a.usd === null || b.usd === null ? null : a.usd + b.usd };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
