import { beforeAll, describe, expect, test } from 'vitest';

import { pull } from '../../engines/models/pull.js';
import { type Asked, startFakeEndpoint } from '../fake-endpoint/fake-endpoint.mjs';
import { fieldAnswer } from '../fake-endpoint/field-answer.mjs';
import { type Ended, headwater, start } from './headwater-process.js';
import { endpoint, pipelineFolder } from './pipeline-folder.js';

beforeAll(async () => {
  await pull('wordllama-256');
}, 120_000);

/** A million tokens cost a dollar. */
const price = { input: 1, output: 1 };

/** A server that counts what it has answered as it would charge it. */
async function chargingEndpoint(latencyMs = 0) {
  let tokens = 0;
  let calls = 0;
  const server = await startFakeEndpoint({
    latencyMs,
    answer: (asked, hash) => {
      const answer = fieldAnswer(asked, hash);
      calls += 1;
      tokens += Math.ceil(promptOf(asked).length / 4) + Math.ceil(writtenOf(asked, answer.text).length / 4);
      return answer;
    },
  });
  return {
    server,
    get calls() {
      return calls;
    },
    get tokens() {
      return tokens;
    },
  };
}

/** The answer up to its first stop text, as servers charge it. */
function writtenOf({ stop = [] }: Asked, text: string): string {
  return text.slice(0, Math.min(text.length, ...stop.map((each) => text.indexOf(each)).filter((at) => at >= 0)));
}

function promptOf({ prompt, messages = [] }: Asked): string {
  return prompt ?? messages.map(({ content }) => content).join('');
}

function folderOf(url: string, target: unknown, changes: Readonly<Record<string, unknown>> = {}): string {
  const models = {
    base: endpoint(url, 'base', { price, maxTokens: 120 }),
    instruct: endpoint(url, 'instruct', { price, maxTokens: 120 }),
  };
  return pipelineFolder(url, { models, target, ...changes });
}

interface Summary {
  readonly status: string;
  readonly accepted: number;
  readonly cost: number | null;
  readonly costPerAccepted: number | null;
  readonly yield: number | null;
  readonly ended: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

function summaryOf({ stdout }: Ended): Summary {
  return JSON.parse(stdout);
}

describe('a budget', () => {
  test('ends a run cleanly; with a larger one the same command goes on, and nothing is paid twice', async () => {
    const charging = await chargingEndpoint();
    const dir = folderOf(charging.server.url, { samples: 1000, budget: { tokens: '20k' } });
    const first = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect(first.stderr).toContain('the budget of 20,000 tokens is spent');
    expect(first.stderr).toContain('With a larger target.budget the same command goes on from here.');
    expect(first.code).toBe(0);
    const stopped = summaryOf(first);
    expect(stopped.status).toBe('budget');
    expect(stopped.accepted).toBeGreaterThan(5);
    expect(charging.tokens).toBeLessThanOrEqual(20_000);
    expect(charging.tokens).toBeGreaterThan(18_500);
    expect(stopped.costPerAccepted).toBeCloseTo((stopped.cost ?? 0) / stopped.accepted, 12);
    expect(stopped.yield).toBeCloseTo(stopped.accepted / stopped.ended, 12);

    const same = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect(summaryOf(same).status).toBe('budget');
    expect(charging.tokens).toBeLessThanOrEqual(20_000);

    const more = await headwater(dir, ['run', 'mails.yaml', '--set', 'target.budget.tokens=30000', '--json']);
    expect(summaryOf(more).accepted).toBeGreaterThan(stopped.accepted);
    expect(charging.tokens).toBeGreaterThan(28_500);
    expect(charging.tokens).toBeLessThanOrEqual(30_000);
    const { byRequest } = charging.server.stats();
    expect(Object.values(byRequest).filter(({ answered }) => answered > 1)).toEqual([]);
    await charging.server.close();
  });

  test('ends workers that ask no model too, when they have done all that there is', async () => {
    const charging = await chargingEndpoint();
    // So that the planner, whom nobody tells of samples, is not what stops it.
    const dir = folderOf(charging.server.url, { samples: 1000, budget: { tokens: '5k' } }, { window: 64 });
    const asking = await headwater(dir, ['run', 'mails.yaml', '--stages', 'plan,draft,refine', '--json']);
    expect(summaryOf(asking)).toMatchObject({ status: 'budget', accepted: 0 });
    const silent = ['run', 'mails.yaml', '--stages', 'align,shard,manifest', '--json'];
    const made = await headwater(dir, silent);
    expect(made.code, made.stderr).toBe(0);
    expect(made.stderr).toContain('Stopping: the budget of 5,000 tokens was found spent before ...');
    const { status, accepted } = summaryOf(made);
    expect(status).toBe('budget');
    expect(accepted).toBeGreaterThan(3);
    await charging.server.close();
  });

  test('in money, without a number of samples, counts what a killed run had spent', async () => {
    const charging = await chargingEndpoint(20);
    const dir = folderOf(charging.server.url, { budget: { usd: 0.02 } });
    const killed = start(dir, ['run', 'mails.yaml', '--json']);
    await expect.poll(() => charging.tokens, { timeout: 30_000 }).toBeGreaterThan(8000);
    killed.signal('SIGKILL');
    await killed.ended;
    const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
    expect(ended.code).toBe(0);
    expect(summaryOf(ended).status).toBe('budget');
    // At the kill, eight answers may have been on their way, which no journal has.
    expect(charging.tokens).toBeLessThanOrEqual(20_000 + 8 * 700);
    expect(charging.tokens).toBeGreaterThan(18_000);
    const status = await headwater(dir, ['status']);
    expect(status.stdout).toMatch(/^cost +\$0\.0\d+ \(\$0\.\d+ an accepted sample\)$/m);
    expect(status.stdout).toMatch(/^yield +\d+ % of \d+ plans/m);
    await charging.server.close();
  });

  test('that is larger than the target needs is not in the way', async () => {
    const charging = await chargingEndpoint();
    const dir = folderOf(charging.server.url, { samples: 4, budget: { usd: 5, tokens: '2M' } });
    const ended = await headwater(dir, ['run', 'mails.yaml', '--samples', '6', '--json']);
    expect(summaryOf(ended)).toMatchObject({ status: 'complete', accepted: 6 });
    await charging.server.close();
  });

  test('in money is refused where a model has no price; and one that is no budget', async () => {
    const url = 'http://127.0.0.1:9/v1';
    const dir = pipelineFolder(url, { target: { samples: 8, budget: { usd: 5 } } });
    const ended = await headwater(dir, ['run', 'mails.yaml']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/models\.base\.price: is missing: target\.budget\.usd needs it, .*base is known/);
    expect(ended.stderr).toMatch(/models\.instruct\.price: is missing/);
    for (const [set, message] of [
      ['target.budget={}', /target\.budget: expected tokens, usd, or both/],
      ['target.budget={"usd": 0}', /target\.budget\.usd: /],
      ['target.budget={"tokens": "lots"}', /target\.budget\.tokens: expected a number with a unit, such as 2M/],
      [
        'models.base.price={"input": "2.50", "output": 1}',
        /models\.base\.price\.input: expected number, received string/,
      ],
      ['models.base.price={"input": -1, "output": 1}', /models\.base\.price\.input: /],
      ['models.base.budget={"requestsPerMinute": 0}', /models\.base\.budget\.requestsPerMinute: /],
      ['models.base.budget={}', /models\.base\.budget: expected requestsPerMinute, tokensPerMinute, or both/],
    ] as const) {
      const wrong = await headwater(dir, ['check', 'mails.yaml', '--set', set]);
      expect(wrong.stderr).toMatch(message);
      expect(wrong.code).toBe(2);
    }
  });
});

test('a price that nobody knows is unknown in the summary, the status and the check, never 0', async () => {
  const server = await startFakeEndpoint();
  const dir = pipelineFolder(server.url);
  const ended = await headwater(dir, ['run', 'mails.yaml', '--json']);
  expect(summaryOf(ended)).toMatchObject({ cost: null, costPerAccepted: null });
  expect((await headwater(dir, ['status'])).stdout).toMatch(/^cost +unknown$/m);
  const check = JSON.parse((await headwater(dir, ['check', 'mails.yaml', '--json'])).stdout);
  expect(check.models[0]).toMatchObject({ role: 'base', price: null });
  expect(check.estimate.cost).toBeNull();
  expect((await headwater(dir, ['check', 'mails.yaml'])).stdout).toContain('price unknown');
  await server.close();
});

test('check knows list prices, and the recipe wins over them', async () => {
  const dir = pipelineFolder('https://api.openai.com/v1', {
    models: {
      base: endpoint('https://api.openai.com/v1', 'davinci-002'),
      instruct: endpoint('https://api.openai.com/v1', 'gpt-4o-mini', { price: { input: 7, output: 8 } }),
    },
  });
  const { stdout } = await headwater(dir, ['check', 'mails.yaml']);
  expect(stdout).toMatch(/openai\/davinci-002: .*\$2 in, \$2 out a million tokens \(list price of \d{4}-\d{2}\)/);
  expect(stdout).toMatch(/openai\/gpt-4o-mini: .*\$7 in, \$8 out a million tokens$/m);
  expect(stdout).toMatch(/cost +\d+\.\d+ US dollars/);
});
