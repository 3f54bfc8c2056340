import { describe, expect, it } from 'vitest';

import { checked } from '../../engines/openai/options.js';
import { checkedBatch } from '../../engines/openai-batch/options.js';
import { languageModel } from '../../schemas/models-config.js';
import { firstIssue } from '../../schemas/record.js';

const url = 'http://127.0.0.1:9/v1';

function issueOf(config: Readonly<Record<string, unknown>>): string {
  const result = languageModel.safeParse({ url, model: 'm', ...config });
  return result.success ? 'nothing' : firstIssue(result.error).replace(/^has a bad '(.*?)'/, '$1');
}

const engines = ['openai', 'openai-batch'] as const;
const longestMs = 2 ** 31 - 1;

/** The most that a recipe may say. */
const mostOf: Readonly<Record<(typeof engines)[number], Readonly<Record<string, number>>>> = {
  openai: { maxInFlight: 65_536, timeoutMs: longestMs, retries: 1000 },
  'openai-batch': { maxInFlight: 1_000_000, requests: 50_000, pause: longestMs, poll: longestMs, retries: 1000 },
};

describe.each(engines)('a model of engine %s', (engine) => {
  it('has bounds, and what is within them is taken by its engine', () => {
    const most = mostOf[engine];
    expect(issueOf({ engine, ...most })).toBe('nothing');
    for (const [name, value] of Object.entries(most)) {
      expect(issueOf({ engine, [name]: value + 1 })).toContain(name);
    }
    const { pause: pauseMs = 1, poll: pollMs = 1, ...others } = most;
    if (engine === 'openai') checked({ url, model: 'm', limit: { kind: 'adaptive', min: 65_536 }, ...others });
    else checkedBatch({ url, model: 'm', pipeline: 'p', pauseMs, pollMs, ...others });
  });

  it('has no password in its address, and an issue does not tell it', () => {
    const issue = issueOf({ engine, url: 'http://me:secret@127.0.0.1/v1' });
    expect(issue).toMatch(/^url: .*no user or password/);
    expect(issue).not.toContain('secret');
  });
});

it('has whole milliseconds', () => {
  const batch = languageModel.parse({ engine: 'openai-batch', url, model: 'm', pause: '0.5ms', poll: 1.4 });
  expect(batch).toMatchObject({ pause: 1, poll: 1 });
});

it.each([
  [{ limit: { kind: 'adaptive', min: 65 } }, /^limit\.min: expected at most maxInFlight/],
  [{ limit: { kind: 'adaptive', min: 5 }, maxInFlight: 4 }, /^limit\.min: expected at most maxInFlight/],
  [{ limit: { kind: 'fixed', max: 65_537 } }, /^limit\.max: /],
  [{ hedge: { after: 2 ** 31 } }, /^hedge\.after: /],
  [{ budget: { tokensPerMinute: '0k' } }, /^budget\.tokensPerMinute: expected more than 0, such as 2M/],
  [{ engine: 'openai-batch', pause: '0.4ms' }, /^pause: expected more than 0, such as 30s/],
  [{ engine: 'openai-batch', poll: 0.4 }, /^poll: expected more than 0, such as 30s/],
  [{ engine: 'openai-batch', poll: '25d' }, /^poll: expected at most 24 days/],
])('that its engine would refuse is refused in the recipe: %o', (config, message) => {
  expect(issueOf({ engine: 'openai', ...config })).toMatch(message);
});
