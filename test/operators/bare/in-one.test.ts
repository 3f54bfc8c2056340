import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type InOneOptions, inOne } from '../../../operators/bare/in-one.js';
import { emitted } from '../../../operators/flow/emitted.js';
import type { ChatRequest, CompletionRequest } from '../../../operators/language-model.js';
import { draftSchema } from '../../../schemas/draft.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import type { Plan } from '../../../schemas/plan.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { functionModel } from '../function-model.js';
import { groupedPlans, groupPlans } from './group-plans.js';
import { groupedContract } from './grouped-contract.js';
import { mail } from './mail.js';

type Request = CompletionRequest | ChatRequest;

/** As many texts as are asked for; some requests get one too few, a text that cannot be read, or none at all. */
function written(request: Request): string {
  const { seed = 0 } = request;
  const content = 'messages' in request ? (request.messages[0]?.content ?? '') : '';
  const count = Number(/Write (\d+) new texts/u.exec(content)?.[1]);
  if (seed % 5 === 4) return 'I cannot do that.';
  const texts = Array.from({ length: seed % 5 === 3 ? count - 1 : count }, (_, n) =>
    seed % 5 === 2 && n === 1 ? 'Subject: half of it' : text(seed, n),
  );
  return texts.length === 0 ? 'nothing' : texts.join('\nEND OF EXAMPLE\n');
}

function text(seed: number, n: number): string {
  return `Subject: Mail ${seed}.${n}\nBody: It is about ${n}.`;
}

function writtenBy(answer: Parameters<typeof functionModel>[0], options: Partial<InOneOptions> = {}, size = 3) {
  const model = functionModel(answer);
  const plans = groupPlans(size);
  const outcomes = outcomesOf(inOne({ model, domain: mail, memory: new Map(), ...options }), from(plans));
  return outcomes.then((ended) => ({ model, plans, outcomes: ended }));
}

const delimiter = '\nEND OF EXAMPLE\n';
const three = [0, 1, 2].map((n) => text(100, n));
const subjects = ['Mail 100.0', 'Mail 100.1', 'Mail 100.2'];

describe('in-one', () => {
  operatorContract({
    make: (memory) => inOne({ model: functionModel(written, 1), domain: mail, memory }),
    inputs: groupedPlans,
    runs: 40,
  });

  groupedContract((model, memory) => inOne({ model, domain: mail, memory, attempts: 1 }), written);

  test('one call writes a group: the i-th text goes to the i-th plan, with its share of the call', async () => {
    const { model, outcomes } = await writtenBy(() => ({
      text: three.join(delimiter) + delimiter,
      usage: { promptTokens: 100, completionTokens: 11 },
      cost: 0.3,
    }));
    const drafts = outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
    expect(drafts.map(({ fields }) => fields['subject'])).toEqual(subjects);
    expect(model.requests).toHaveLength(1);
    expect(model.requests[0]).toMatchObject({ maxTokens: 3000, seed: 100 });
    expect(drafts.map((draft) => draftSchema.parse(draft).together)).toEqual(drafts.map(() => ({ first: 0, last: 2 })));
    const calls = drafts.map((draft) => draft.calls[0]);
    expect(calls.map((call) => [call?.promptTokens, call?.completionTokens])).toEqual([
      [34, 4],
      [33, 4],
      [33, 3],
    ]);
    for (const call of calls) expect(call?.cost).toBeCloseTo(0.1, 12);
    expect(calls[0]).toMatchObject({ role: 'instruct', prompt: 'bare.in-one/1/blocks/1' });
  });

  test('the prompt says what each text is to be like', async () => {
    const plans = groupPlans(2).map((plan, n): Plan => ({ ...plan, label: ['ham', 'spam'][n] ?? '' }));
    const model = functionModel(written);
    await outcomesOf(inOne({ model, domain: mail, memory: new Map() }), from(plans));
    const [request] = model.requests;
    const content = request !== undefined && 'messages' in request ? request.messages[0]?.content : '';
    expect(content).toContain('1. Label: ham; Topic: lunch; Tone: plain\n2. Label: spam; Topic: lunch; Tone: plain');
    expect(content).toContain('END OF EXAMPLE');
    expect(request).not.toHaveProperty('stop');
  });

  test.each([
    ['without its last delimiter', three.join(delimiter)],
    ['with prose around', `Here they are:\n\n${three.join(`\n${delimiter}`)}\nEND OF EXAMPLE`],
    ['with bold delimiters', three.join('\n**END OF EXAMPLE**\n')],
    ['with the markers of the examples', three.map((one) => `EXAMPLE START\n${one}\nEXAMPLE END`).join(delimiter)],
    ['with one text too many', [...three, text(7, 7)].join(delimiter)],
  ])('a whole answer %s gives all texts', async (_, answer) => {
    const { outcomes } = await writtenBy(() => answer);
    expect(outcomes.map((outcome) => outcome.kind === 'emitted' && outcome.outputs[0]?.fields['subject'])).toEqual(
      subjects,
    );
  });

  test('of a cut answer the last text is lost, and what is missing is cut', async () => {
    const { outcomes, model } = await writtenBy(() => ({
      text: three.slice(0, 2).join(delimiter),
      finishReason: 'length' as const,
    }));
    expect(outcomes.map((outcome) => (outcome.kind === 'dropped' ? outcome.reason : outcome.kind))).toEqual([
      'emitted',
      'cut',
      'cut',
    ]);
    expect(model.requests).toHaveLength(1);
    const dropped = outcomes[2];
    expect(dropped?.kind === 'dropped' && dropped.calls).toHaveLength(1);
  });

  test('missing and unreadable texts are dropped alone', async () => {
    const { outcomes } = await writtenBy(() => [text(1, 0), 'Subject: half', text(1, 2)].join(delimiter), {}, 4);
    expect(outcomes.map((outcome) => (outcome.kind === 'dropped' ? [outcome.reason, outcome.detail] : []))).toEqual([
      [],
      ['unparsable', "no 'Body:' at the start of a line"],
      [],
      ['unparsable', 'the answer holds 3 of 4 texts'],
    ]);
  });

  test('is asked again only where not one text can be read', async () => {
    const answers = ['no', { text: three.join(delimiter), finishReason: 'length' as const }];
    const { model, outcomes } = await writtenBy((_request, call) => answers[call] ?? '');
    expect(model.requests).toHaveLength(2);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['emitted', 'emitted', 'dropped']);
    const none = await writtenBy(() => 'no');
    expect(none.model.requests).toHaveLength(3);
    expect(none.outcomes.map((outcome) => outcome.kind === 'dropped' && outcome.reason)).toEqual([
      'unparsable',
      'unparsable',
      'unparsable',
    ]);
  });

  test('all plans of a group are dead where the model refuses, each with its share of what was answered', async () => {
    const { outcomes } = await writtenBy((_request, call) => {
      if (call === 0) return 'no text';
      throw new HeadwaterError('endpoint-refused', 'no more');
    });
    expect(outcomes.map(({ kind }) => kind)).toEqual(['dead', 'dead', 'dead']);
    const tokens = outcomes.map((outcome) => (outcome.kind === 'dead' ? outcome.calls?.[0]?.promptTokens : 0));
    expect(tokens).toEqual([34, 33, 33]);
  });

  test('JSON answers are bound by a schema of several texts', async () => {
    const answer = JSON.stringify({ texts: [0, 1, 2].map((n) => ({ subject: `Mail 100.${n}`, body: 'b' })) });
    const { model, outcomes } = await writtenBy(() => `\`\`\`json\n${answer}\n\`\`\``, { answer: 'json' });
    expect(outcomes.map((outcome) => outcome.kind === 'emitted' && outcome.outputs[0]?.fields['subject'])).toEqual(
      subjects,
    );
    expect(model.requests[0]?.schema).toMatchObject({ properties: { texts: { type: 'array' } }, required: ['texts'] });
  });

  test('the example of its documentation', async () => {
    const [model, plans] = [functionModel(() => three.join(delimiter)), from(groupPlans(3))];
    const drafts = plans.pipe(inOne({ model, domain: mail, memory: new Map() }), emitted());
    const seen: number[] = [];
    await drafts.forEach(({ plan }) => {
      seen.push(plan.ordinal);
    });
    expect(seen).toEqual([0, 1, 2]);
  });
});
