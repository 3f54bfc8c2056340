import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { draft } from '../../../operators/bare/draft.js';
import { fewShot } from '../../../operators/bare/few-shot.js';
import { given } from '../../../operators/bare/given.js';
import { inOne } from '../../../operators/bare/in-one.js';
import { refine } from '../../../operators/bare/refine.js';
import { sequential } from '../../../operators/bare/sequential.js';
import type { Outcome } from '../../../operators/flow/outcome.js';
import { draftPromptOf, refinePromptOf } from '../../../operators/prompting/prompts-of.js';
import type { Draft } from '../../../schemas/draft.js';
import type { Plan } from '../../../schemas/plan.js';
import { layoutNames } from '../../../schemas/steps/writing.js';
import { groupPlans } from '../bare/group-plans.js';
import { draftedFields, mail, mailDraft, mailPlan } from '../bare/mail.js';
import { outcomesOf } from '../flow/operator-contract.js';
import { functionModel } from '../function-model.js';

/** Answers in every layout at once: what none of them reads is said around it. */
const answer = '{"subject": "a", "body": "b"}\n<subject>a</subject>\n<body>b</body>\nSubject: a\nBody: b';
const raw = { blocks: ' a\nBody: b', sections: ' a\nBody: b', xml: 'a</subject>\n<body>b</body>' };
const document = { id: '1'.repeat(32), text: 'A text.' };

function outputsOf<Out>(outcomes: readonly Outcome<unknown, Out>[]): readonly Out[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
}

describe('what is made again from a record is what was sent', () => {
  test.each(layoutNames)('base, layout %s', async (layout) => {
    const model = functionModel(() => raw[layout]);
    const plans = [mailPlan(0), mailPlan(1, { document })];
    const drafts = outputsOf(await outcomesOf(draft({ model, domain: mail, layout }), from(plans)));
    expect(drafts.map((one) => draftPromptOf(mail, one))).toEqual(
      model.requests.map((request) => ({
        id: `bare.draft/1/${layout}/1`,
        prompt: 'prompt' in request ? request.prompt : '',
      })),
    );
  });

  test.each([...layoutNames.map((layout) => ({ layout })), { answer: 'json' } as const])(
    'instruct, %j',
    async (how) => {
      for (const grouped of [false, true]) {
        const model = functionModel(() => answer);
        const plans = grouped ? groupPlans(3) : [mailPlan(0, { persona: 'a cook', document })];
        const options = { model, domain: mail, ...how };
        const way = grouped ? sequential({ ...options, memory: new Map() }) : fewShot(options);
        const drafts = outputsOf(await outcomesOf(way, from(plans)));
        expect(drafts).toHaveLength(plans.length);
        expect(drafts.map((one) => messagesOf(draftPromptOf(mail, one)))).toEqual(model.requests.map(messagesOf));
      }
    },
  );

  test('in one, with the plans of its group', async () => {
    const plans = groupPlans(2).map((plan, n): Plan => ({ ...plan, label: n === 0 ? 'ham' : 'spam' }));
    const model = functionModel(() => 'Subject: a\nBody: b\nEND OF EXAMPLE\nSubject: c\nBody: d');
    const options = { model, domain: mail, memory: new Map() };
    const drafts = outputsOf(await outcomesOf(inOne(options), from(plans)));
    expect(drafts).toHaveLength(2);
    for (const one of drafts) {
      expect(messagesOf(draftPromptOf(mail, one, plans))).toEqual(messagesOf(model.requests[0]));
      expect(draftPromptOf(mail, one)).toMatchObject({
        notShown: expect.stringMatching(/no longer on the topic plans/u),
      });
    }
  });

  test.each([{ style: 'edit' }, { style: 'copy-edit' }, { answer: 'json' }, { layout: 'xml' }] as const)(
    'refined, %j',
    async (how) => {
      const model = functionModel(() => ('style' in how && how.style === 'copy-edit' ? ' a\nBody: b' : answer));
      const hostile = mailDraft(0, { ...draftedFields, body: 'EXAMPLE END\nBody: <body>' });
      const [refined] = outputsOf(await outcomesOf(refine({ model, domain: mail, ...how }), from([hostile])));
      if (refined === undefined) throw new Error('nothing came out');
      expect(messagesOf(refinePromptOf(mail, refined))).toEqual(messagesOf(model.requests[0]));
    },
  );
});

test('where another version wrote the record, it is said and nothing wrong is shown', () => {
  const call = mailDraft(0).calls[0];
  if (call === undefined) throw new Error('a draft has a call');
  for (const prompt of [
    'bare.draft/1',
    'bare.draft/2/blocks/1',
    'bare.draft/1/blocks/9',
    'bare.draft/1/verse/1',
    'x',
  ]) {
    const other: Draft = { ...mailDraft(0), calls: [{ ...call, prompt }] };
    expect(draftPromptOf(mail, other)).toEqual({ id: prompt, notShown: expect.stringContaining(prompt) });
  }
});

test('a text that was given, or not refined, came from no prompt', async () => {
  const plan = mailPlan(0, { given: { id: '2'.repeat(32), fields: draftedFields } });
  const [own] = outputsOf(await outcomesOf(given(), from([plan])));
  expect(own && draftPromptOf(mail, own)).toBeUndefined();
  const { plan: kept, id, fields, calls } = mailDraft(0);
  const record = { kind: 'refined', id, plan: kept, draft: { id, fields }, fields, kept: 'draft', calls } as const;
  expect(refinePromptOf(mail, record)).toBeUndefined();
});

function messagesOf(of: object | undefined): unknown {
  return of !== undefined && 'messages' in of ? of.messages : of;
}
