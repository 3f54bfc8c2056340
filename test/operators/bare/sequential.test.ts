import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { sequential } from '../../../operators/bare/sequential.js';
import { emitted } from '../../../operators/flow/emitted.js';
import type { ChatRequest, CompletionRequest } from '../../../operators/language-model.js';
import { draftSchema } from '../../../schemas/draft.js';
import { HeadwaterError } from '../../../schemas/errors.js';
import { operatorContract, outcomesOf } from '../flow/operator-contract.js';
import { functionModel } from '../function-model.js';
import { groupedPlans, groupPlans } from './group-plans.js';
import { groupedContract } from './grouped-contract.js';
import { mail } from './mail.js';

/** A text that depends on the request alone; one in four answers cannot be read. */
function written(request: CompletionRequest | ChatRequest): string {
  const { seed = 0 } = request;
  return seed % 4 === 3 ? 'I cannot do that.' : `Subject: Mail ${seed}\nBody: It is about ${seed}.`;
}

function contentOf(request: CompletionRequest | ChatRequest | undefined): string {
  return request !== undefined && 'messages' in request ? (request.messages[0]?.content ?? '') : '';
}

describe('sequential', () => {
  operatorContract({
    make: (memory) => sequential({ model: functionModel(written, 1), domain: mail, memory }),
    inputs: groupedPlans,
    runs: 40,
  });

  groupedContract((model, memory) => sequential({ model, domain: mail, memory, attempts: 1 }), written);

  test('shows each plan all texts of its group so far, in one prompt that grows', async () => {
    const model = functionModel(written);
    const outcomes = await outcomesOf(sequential({ model, domain: mail, memory: new Map() }), from(groupPlans(3)));
    const drafts = outcomes.flatMap((outcome) => (outcome.kind === 'emitted' ? outcome.outputs : []));
    expect(drafts.map((draft) => draftSchema.parse(draft).shown ?? [])).toEqual([
      [],
      [drafts[0]?.fields],
      [drafts[0]?.fields, drafts[1]?.fields],
    ]);
    const [first, second, third] = model.requests.map(contentOf);
    expect(first).not.toContain('Mail 100');
    expect(second).toContain('Subject: Mail 100\nBody: It is about 100.');
    expect(third).toContain('Subject: Mail 101');
    const shared = second?.slice(0, second.indexOf('Mail 100') + 8) ?? '?';
    expect(third?.startsWith(shared)).toBe(true);
    expect(drafts[2]?.calls[0]).toMatchObject({
      role: 'instruct',
      prompt: 'bare.sequential/1/blocks/1',
      temperature: 1,
    });
  });

  test('other groups are not shown, and what failed or died is shown to none', async () => {
    const plans = groupPlans(3, 2);
    const model = functionModel((request) => {
      if (request.cause === plans[0]?.id) return 'no text';
      if (request.cause === plans[1]?.id) throw new HeadwaterError('endpoint-timeout', 'too late');
      return written({ ...request, seed: 8 });
    });
    const outcomes = await outcomesOf(sequential({ model, domain: mail, memory: new Map() }), from(plans));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['dropped', 'dead', 'emitted', 'emitted', 'emitted']);
    const shown = outcomes.map((outcome) => (outcome.kind === 'emitted' ? outcome.outputs[0]?.shown : null));
    expect(shown).toEqual([null, null, undefined, undefined, [{ subject: 'Mail 8', body: 'It is about 8.' }]]);
  });

  test('the example of its documentation', async () => {
    const [model, plans] = [functionModel(written), from(groupPlans(2))];
    const drafts = plans.pipe(sequential({ model, domain: mail, memory: new Map() }), emitted());
    const seen: number[] = [];
    await drafts.forEach(({ plan }) => {
      seen.push(plan.ordinal);
    });
    expect(seen).toEqual([0, 1]);
  });
});
