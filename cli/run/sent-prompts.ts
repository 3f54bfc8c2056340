import { draftPromptOf, isEdit, refinePromptOf, type SentPrompt } from '../../operators/prompting/prompts-of.js';
import { namesOf } from '../../operators/synalign/reason/asked-attributes.js';
import { reasonPromptOf } from '../../operators/synalign/reason/reason-prompt.js';
import { type AnyRecord, decode } from '../../schemas/codec.js';
import type { Domain } from '../../schemas/domain.js';
import type { Draft } from '../../schemas/draft.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { Plan } from '../../schemas/plan.js';
import type { Reasoned } from '../../schemas/reasoned.js';
import type { Recipe } from '../../schemas/recipe.js';
import type { Refined } from '../../schemas/refined.js';
import { readAll } from '../../streams/stage/read-all.js';
import type { Topics } from '../../streams/topics.js';

/** Records of a topic that are kept, the newest: drafts and plans lie about as far on their topics as what came of them. */
const remembered = 10_000;

/** What of a recipe prompts are made of. */
type Prompting = Pick<Recipe, 'domain'> & { readonly steps: Pick<Recipe['steps'], 'reason'> };

/**
 * The prompts behind records of one partition, made again from the records. What a record does not hold itself (the texts that its
 * draft was shown, the plans of its group) is looked up on the topics `drafts` and `plans`, which are read along.
 */
export class SentPrompts {
  readonly #domain: Domain;
  readonly #drafts: ReadAlong;
  readonly #plans: ReadAlong;
  readonly #groups: ReadAlong;

  constructor(
    private readonly recipe: Prompting,
    topics: Topics,
    partition: number,
  ) {
    this.#domain = recipe.domain;
    this.#drafts = new ReadAlong(topics, 'drafts', partition, ({ id }) => id);
    this.#plans = new ReadAlong(topics, 'plans', partition, ({ id }) => id);
    // with the attributes that they were written from, where there are any
    const written = recipe.steps.reason === 'off' ? 'plans' : 'reasoned';
    this.#groups = new ReadAlong(topics, written, partition, (record) => {
      const group = planIn(record)?.group;
      return group === undefined ? undefined : placeKey(group);
    });
  }

  /** In the order in which they were sent; none where no model was asked. */
  async of(record: AnyRecord): Promise<readonly SentPrompt[]> {
    if (record.kind === 'reasoned') return [await this.#ofReasoned(record)].flatMap((prompt) => prompt ?? []);
    if (record.kind === 'draft') return [await this.#ofDraft(record)].flatMap((prompt) => prompt ?? []);
    if (record.kind !== 'refined') return [];
    const prompts = [await this.#ofDraftBehind(record), refinePromptOf(this.#domain, record)];
    return prompts.flatMap((prompt) => prompt ?? []);
  }

  async #ofReasoned(reasoned: Reasoned): Promise<SentPrompt | undefined> {
    const { plan } = reasoned;
    const { reason } = this.recipe.steps;
    const id = plan.attributes?.askedFor;
    if (reason === 'off' || id === undefined) return undefined;
    const found = id === plan.id ? plan : await this.#plans.find(id);
    const askedFor = found?.kind === 'plan' ? found : undefined;
    return reasonPromptOf(this.#domain, reasoned, namesOf(this.#domain, reason.attributes).names, askedFor);
  }

  async #ofDraft(draft: Draft): Promise<SentPrompt | undefined> {
    return draftPromptOf(this.#domain, draft, await this.#groupOf(draft));
  }

  async #ofDraftBehind(refined: Refined): Promise<SentPrompt | undefined> {
    const { plan, draft, calls } = refined;
    const own = calls.filter(({ prompt }) => !isEdit(prompt));
    const id = own.at(-1)?.prompt;
    if (id === undefined) return undefined;
    const { fields } = draft;
    if (plan.group === undefined) {
      return this.#ofDraft({ kind: 'draft', id: draft.id, plan, fields, calls: own });
    }
    const found = await this.#drafts.find(draft.id);
    if (found?.kind !== 'draft') return { id, notShown: 'its draft is no longer on the topic drafts' };
    return this.#ofDraft(found);
  }

  /** The plans that one answer was for, where it was for several. */
  async #groupOf({ plan, together }: Draft): Promise<readonly Plan[] | undefined> {
    const { group } = plan;
    if (group === undefined || together === undefined || together.first === together.last) return [plan];
    const plans: Plan[] = [];
    for (let place = together.first; place <= together.last; place++) {
      const found = await this.#groups.find(placeKey({ number: group.number, place }));
      const member = found && planIn(found);
      if (member === undefined) return undefined;
      plans.push(member);
    }
    return plans;
  }
}

interface Kept {
  readonly record: AnyRecord;
  readonly offset: number;
}

/** A topic's partition, read only as far as is asked for; of records no longer kept, it is remembered where they are. */
class ReadAlong {
  readonly #records = new Map<string, Kept>();
  readonly #offsets = new Map<string, number>();
  #next = 0;

  constructor(
    private readonly topics: Topics,
    private readonly topic: string,
    private readonly partition: number,
    private readonly keyOf: (record: AnyRecord) => string | undefined,
  ) {}

  async find(key: string): Promise<AnyRecord | undefined> {
    const known = this.#records.get(key);
    if (known !== undefined) return known.record;
    const past = this.#offsets.get(key);
    if (past !== undefined) return this.#at(past, key);
    for await (const { offset, value, headers } of readAll(this.topics, this.topic, this.partition, this.#next)) {
      this.#next = offset + 1;
      const record = value === null ? undefined : recordIn(value, headers);
      const found = record && this.keyOf(record);
      if (record === undefined || found === undefined) continue;
      this.#keep(found, { record, offset });
      if (found === key) return record;
    }
    return undefined;
  }

  /** Undefined where the topic has dropped it meanwhile. */
  async #at(offset: number, key: string): Promise<AnyRecord | undefined> {
    const [message] = await this.topics.read(this.topic, this.partition, offset, { maxRecords: 1, maxBytes: 1 });
    const record = message?.value ? recordIn(message.value, message.headers) : undefined;
    return record !== undefined && this.keyOf(record) === key ? record : undefined;
  }

  #keep(key: string, kept: Kept): void {
    this.#records.set(key, kept);
    const [oldest] = this.#records;
    if (this.#records.size <= remembered || oldest === undefined) return;
    const [past, { offset }] = oldest;
    this.#records.delete(past);
    this.#offsets.set(past, offset);
  }
}

function planIn(record: AnyRecord): Plan | undefined {
  if (record.kind === 'plan') return record;
  return record.kind === 'reasoned' ? record.plan : undefined;
}

/** What is no record of ours is passed over. */
function recordIn(value: Uint8Array, headers: Readonly<Record<string, string>>): AnyRecord | undefined {
  try {
    return decode(value, headers);
  } catch (error) {
    if (error instanceof HeadwaterError) return undefined;
    throw error;
  }
}

function placeKey({ number, place }: { readonly number: number; readonly place: number }): string {
  return `${number}/${place}`;
}

/** A prompt as a person reads it: nothing is added to its text but the names of the roles. */
export function promptText(sent: SentPrompt): string {
  const head = `----- prompt ${sent.id} -----`;
  const foot = '-----';
  if ('notShown' in sent) return `${head}\n(not shown: ${sent.notShown})\n${foot}\n`;
  if ('prompt' in sent) return `${head}\n${sent.prompt}\n${foot}\n`;
  return `${head}\n${sent.messages.map(({ role, content }) => `[${role}]\n${content}`).join('\n')}\n${foot}\n`;
}
