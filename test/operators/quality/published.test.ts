import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

const row = z.tuple([z.number(), z.number(), z.number()]);
const published = z
  .object({
    tasks: z.array(z.string()),
    untrained: z.record(z.string(), z.number()),
    methods: z.record(z.string(), z.record(z.string(), row.nullable())),
    instructRefinesInstruct: z.record(z.string(), row),
    headlines: z.object({
      raft8B: z.object({ bare: z.number(), raft: z.number(), task: z.string() }),
      gsm8k: z.object({ bare: z.number(), instruct70B: z.number() }),
      newsgroupsOf20: z.object({ base: z.number(), instruct: z.number(), instructInFigurePercent: z.number() }),
    }),
  })
  .parse(JSON.parse(readFileSync(new URL('../../../docs/experiments/bare-published.json', import.meta.url), 'utf8')));
const { methods, headlines, untrained, tasks } = published;

describe("the paper's table, as the experiment stands beside it", () => {
  test('has every task of every method', () => {
    expect(Object.keys(methods)).toHaveLength(8);
    for (const results of Object.values(methods)) expect(Object.keys(results)).toEqual(tasks);
  });

  test('T21: the published ratios', () => {
    const { gsm8k, raft8B, newsgroupsOf20 } = headlines;
    expect(gsm8k.bare / gsm8k.instruct70B).toBeCloseTo(2.011, 3);
    expect(downstream('BARE GPT-4o + 70B base', 'gsm8k')).toBe(gsm8k.bare);
    expect(downstream('70B instruct', 'gsm8k')).toBe(gsm8k.instruct70B);
    expect(raft8B.bare / raft8B.raft).toBeCloseTo(1.184, 3);
    expect(downstream('BARE 8B', raft8B.task)).toBe(raft8B.bare);
    expect(downstream('8B instruct', raft8B.task)).toBe(raft8B.raft);
    expect(newsgroupsOf20.base / 20).toBe(0.95);
    expect(newsgroupsOf20.instruct / 20).toBe(0.7);
    // the figure and the text of the paper disagree
    expect(newsgroupsOf20.instructInFigurePercent).toBe(60);
  });

  test('T22: the order of downstream accuracy on word problems', () => {
    const accuracies = Object.entries(methods).flatMap(([method, results]) => {
      const found = results['gsm8k'];
      return found ? [[method, found[2]] as const] : [];
    });
    const order = [...accuracies, ['no training', untrained['gsm8k'] ?? 0] as const].sort(([, a], [, b]) => b - a);
    expect(order).toEqual([
      ['BARE GPT-4o + 70B base', 35.8],
      ['BARE GPT-4o + 8B base', 32.8],
      ['BARE 70B', 29.8],
      ['BARE 8B', 24.8],
      ['70B base', 22.4],
      ['no training', 21.8],
      ['8B base', 19.2],
      ['70B instruct', 17.8],
    ]);
  });

  test('refining raises indistinguishability in all pairs of one family, and does not always keep diversity', () => {
    const pairs = ['8B', '70B'].flatMap((size) => tasks.map((task) => [`${size} base`, `BARE ${size}`, task] as const));
    for (const [base, refined, task] of pairs) {
      expect(methods[refined]?.[task]?.[1]).toBeGreaterThan(methods[base]?.[task]?.[1] ?? Number.NaN);
    }
    const risen = pairs.filter(([base, refined, task]) => {
      return (methods[refined]?.[task]?.[0] ?? 0) > (methods[base]?.[task]?.[0] ?? 0) + 0.02;
    });
    expect(risen).toEqual([
      ['8B base', 'BARE 8B', 'enron'],
      ['70B base', 'BARE 70B', 'enron'],
    ]);
  });
});

function downstream(method: string, task: string): number | undefined {
  return methods[method]?.[task]?.[2];
}
