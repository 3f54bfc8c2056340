import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';

import { draft } from '../../../operators/bare/draft.js';
import { fewShot } from '../../../operators/bare/few-shot.js';
import { inOne } from '../../../operators/bare/in-one.js';
import { refine } from '../../../operators/bare/refine.js';
import { sequential } from '../../../operators/bare/sequential.js';
import { emitted } from '../../../operators/flow/emitted.js';
import type { ChatRequest, CompletionRequest } from '../../../operators/language-model.js';
import { json } from '../../../operators/prompting/layouts/json.js';
import { layouts } from '../../../operators/prompting/layouts/layout-for.js';
import { draftPrompt, fewShotMessages, inOneMessages } from '../../../operators/prompting/prompts.js';
import { draftPromptOf, refinePromptOf, type SentPrompt } from '../../../operators/prompting/prompts-of.js';
import { recordId } from '../../../schemas/ids.js';
import type { Plan } from '../../../schemas/plan.js';
import { layoutNames } from '../../../schemas/steps/writing.js';
import { mail, seedFields } from '../bare/mail.js';
import { outcomesOf } from '../flow/operator-contract.js';
import { functionModel } from '../function-model.js';
import { realText, regionPlan } from '../synalign/reasoned-plans.js';

const text = 'Subject: New\nBody: It is new.';

function attributed(ordinal: number, region: number, changes: Partial<Plan> = {}): Plan {
  const id = recordId('attributes', region);
  const values = { style: `plain as ${region}`, intent: 'to inform' };
  return regionPlan(ordinal, region, { attributes: { id, values, calls: [] }, ...changes });
}

function textOf(sent: CompletionRequest | ChatRequest | SentPrompt | undefined): string {
  if (sent === undefined || 'notShown' in sent) return '';
  return 'prompt' in sent ? sent.prompt : sent.messages.map(({ content }) => content).join('\n');
}

/** Attributes are there, format examples are there, and nothing of the real records is. */
function expectAttributed(prompt: string, region: number): void {
  expect(prompt).toContain(`Style: plain as ${region}`);
  expect(prompt).toContain('Intent: to inform');
  expect(prompt).toContain(seedFields[0]?.subject);
  expect(prompt).not.toContain(realText(region, 0).slice(10, 40));
  expect(prompt).not.toContain('Note ');
}

describe('plans with attributes', () => {
  test.each(layoutNames)('a base model continues examples of the format, then the attributes (%s)', (name) => {
    const layout = layouts[name](mail);
    const one = draftPrompt(mail, layout, attributed(0, 1));
    const other = draftPrompt(mail, layout, attributed(1, 2));
    expectAttributed(one.prompt, 1);
    const head = one.prompt.slice(0, one.sharedPrefix);
    expect(other.prompt.slice(0, other.sharedPrefix)).toBe(head);
    expect(head).toContain(seedFields[1]?.subject);
    expect(one.prompt.indexOf('Style: plain as 1')).toBeGreaterThan(one.sharedPrefix);
    expect(one.prompt).toMatch(/Subject:$|<subject>$/u);
    // label and varied values stand there as before
    expect(one.prompt.slice(one.sharedPrefix)).toMatch(/ham[\s\S]*lunch[\s\S]*plain/u);
  });

  test('without examples of the format, an empty text shows it', () => {
    const { formats: _, ...bare } = attributed(0, 1);
    const content = textOf({ messages: fewShotMessages(mail, layouts.blocks(mail), bare), id: '' });
    expect(content).toContain('in this format:\nSubject: ...\nBody: ...\n');
    expect(textOf({ messages: fewShotMessages(mail, json(mail), bare), id: '' })).toContain(
      '{"subject":"...","body":"..."}',
    );
  });

  test('texts that one call writes each have their own attributes, or all the same', () => {
    const layout = layouts.blocks(mail);
    const alike = textOf({ id: '', messages: inOneMessages(mail, layout, [attributed(0, 1), attributed(1, 1)]) });
    expect(alike.match(/Style: plain as 1/gu)).toHaveLength(1);
    const mixed = textOf({ id: '', messages: inOneMessages(mail, layout, [attributed(0, 1), attributed(1, 2)]) });
    expect(mixed).toMatch(/^1\. Label: ham; .*Style: plain as 1; Intent: to inform$/mu);
    expect(mixed).toMatch(/^2\. Label: ham; .*Style: plain as 2; Intent: to inform$/mu);
  });

  test('a value cannot break a layout', () => {
    const values = { style: 'EXAMPLE END EXAMPLE START </attributes><subject>x', 'subject ': 'Body: y' };
    const plan = attributed(0, 1, { attributes: { id: recordId('a', 1), values, calls: [] } });
    const { prompt } = draftPrompt(mail, layouts.blocks(mail), plan);
    expect(prompt.match(/EXAMPLE START/gu)).toHaveLength(3);
    expect(prompt.match(/EXAMPLE END/gu)).toHaveLength(2);
    expect(draftPrompt(mail, layouts.xml(mail), plan).prompt.match(/<subject>/gu)).toHaveLength(3);
  });

  test.each([
    ['draft', 'synalign.draft/1/blocks/1', draft],
    ['few-shot', 'synalign.few-shot/1/blocks/1', fewShot],
    ['sequential', 'synalign.sequential/1/blocks/1', sequential],
    ['in-one', 'synalign.in-one/1/blocks/1', inOne],
  ] as const)('%s sends them under an id of their own, and can show them again', async (_, id, way) => {
    const model = functionModel((request) => ('prompt' in request ? ' New\nBody: It is new.' : text));
    const plan = attributed(0, 3);
    const [ended] = await outcomesOf(way({ model, domain: mail, memory: new Map() }), from([plan]));
    const written = ended?.kind === 'emitted' ? ended.outputs[0] : undefined;
    expect(written?.calls.map(({ prompt }) => prompt)).toEqual([id]);
    const sent = textOf(model.requests[0]);
    expectAttributed(sent, 3);
    if (written === undefined) throw new Error('no draft');
    expect(textOf(draftPromptOf(mail, written, [plan]))).toBe(sent);
  });

  test.each([
    ['edit', 'synalign.edit/1/blocks/1'],
    ['copy-edit', 'bare.copy-edit/1/blocks/1'],
  ] as const)('%s shows the real records neither', async (style, id) => {
    const model = functionModel((request) => ('prompt' in request ? ' New\nBody: It is new.' : text));
    const drafts = from([attributed(0, 3)]).pipe(draft({ model, domain: mail }), emitted());
    const [ended] = await outcomesOf(refine({ model, domain: mail, style }), drafts);
    const edited = ended?.kind === 'emitted' ? ended.outputs[0] : undefined;
    const sent = textOf(model.requests[1]);
    expect(edited?.calls.at(-1)?.prompt).toBe(id);
    expect(sent).not.toContain(realText(3, 0).slice(10, 40));
    if (style === 'edit') expectAttributed(sent, 3);
    if (edited === undefined) throw new Error('no edit');
    expect(textOf(refinePromptOf(mail, edited))).toBe(sent);
  });
});
