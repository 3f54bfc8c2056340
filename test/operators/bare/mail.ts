import { domain } from '../../../schemas/domain.js';
import type { Draft } from '../../../schemas/draft.js';
import { recordId } from '../../../schemas/ids.js';
import type { Plan } from '../../../schemas/plan.js';

/** A domain of e-mails, with a label and two varied values. */
export const mail = domain.parse({
  about: 'E-mails, wanted or not.',
  fields: { subject: {}, body: {} },
  label: { field: 'label', values: ['ham', 'spam'] },
  vary: { topic: ['lunch', 'a prize'], tone: ['plain'] },
});

export const seedFields = [
  { subject: 'Lunch on Friday', body: 'Shall we meet at noon?\nThe place by the river is open again.' },
  { subject: 'You have won', body: 'Your number was drawn. Send us your address to get the money.' },
];

export function mailPlan(ordinal: number, changes: Partial<Plan> = {}): Plan {
  return {
    kind: 'plan',
    id: recordId('plan', ordinal),
    lane: 0,
    ordinal,
    method: 'bare',
    label: 'ham',
    vary: { topic: 'lunch', tone: 'plain' },
    examples: seedFields.map((fields, index) => ({
      id: recordId('seed', index),
      fields,
      label: index === 0 ? 'ham' : 'spam',
      vary: { topic: index === 0 ? 'lunch' : 'a prize', tone: 'plain' },
    })),
    seedCount: 2,
    randomSeed: 100 + ordinal,
    plannedAt: 0,
    ...changes,
  };
}

export const draftedFields = { subject: 'Soup at one', body: 'I will brng soup for both of us. Come at one.' };

export function mailDraft(ordinal: number, fields: Draft['fields'] = draftedFields): Draft {
  const plan = mailPlan(ordinal);
  return {
    kind: 'draft',
    id: recordId('draft', plan.id, 0),
    plan,
    fields,
    calls: [
      {
        role: 'base',
        model: 'test/base',
        prompt: 'bare.draft/1/blocks/1',
        temperature: 0.7,
        randomSeed: 100 + ordinal,
        promptTokens: 200,
        completionTokens: 20,
        cost: null,
        finishReason: 'stop',
        startedAt: 500,
        milliseconds: 10,
      },
    ],
  };
}

/** Counts by name, and by name and reason. */
export function countingMeter() {
  const counts: Record<string, number> = {};
  return {
    counts,
    count(name: string, value = 1, attributes: Readonly<Record<string, string>> = {}) {
      const key = [name, ...Object.values(attributes)].join(' ');
      counts[key] = (counts[key] ?? 0) + value;
    },
  };
}
