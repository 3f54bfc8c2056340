import { recordId } from '../../../schemas/ids.js';
import type { Example, Plan } from '../../../schemas/plan.js';
import { type ReasonStep, reasonStep } from '../../../schemas/steps/synalign.js';
import { mailPlan, seedFields } from '../bare/mail.js';

/** Plans that explore a region, and what an answer about one looks like. */

export const settings: ReasonStep = reasonStep.parse({ attributes: ['style', 'intent', 'mood'], uses: 3 });

/** The text of a real record of a region. */
export function realText(region: number, n: number): string {
  return `Region ${region} has its own record number ${n} about quarterly figures and a walk by the sea.`;
}

export function realExample(region: number, n: number): Example {
  const fields = { subject: `Note ${region}.${n}`, body: realText(region, n) };
  return { id: recordId('real', region, n), fields, label: 'ham', vary: {}, from: 'real' };
}

export const formatExamples: readonly Example[] = seedFields.map((fields, n) => ({
  id: recordId('seed', n),
  fields,
  label: n === 0 ? 'ham' : 'spam',
  vary: {},
}));

/** A plan that shows two records of a region. */
export function regionPlan(ordinal: number, region: number, changes: Partial<Plan> = {}): Plan {
  return mailPlan(ordinal, {
    method: 'synalign',
    examples: [realExample(region, 0), realExample(region, 1)],
    formats: [...formatExamples],
    region: { exemplar: recordId('real', region, 0), variance: 0.5, demand: 1 },
    ...changes,
  });
}

/** The region that a request is about. */
export function regionIn(request: { readonly prompt?: string; readonly messages?: readonly { content: string }[] }) {
  const text = request.prompt ?? request.messages?.map(({ content }) => content).join('\n') ?? '';
  return Number(/Region (\d+) has/u.exec(text)?.[1]);
}
