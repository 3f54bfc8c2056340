import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

/** What differs from a small pipeline of e-mails. */
export interface PipelineChanges {
  readonly models?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export const seeds = Array.from({ length: 6 }, (_, i) =>
  JSON.stringify({ subject: `Hello ${i} there`, body: `A body of some length, number ${i}, with a few more words.` }),
);

/** A new folder with `mails.yaml` and `seeds.jsonl`, both models being one endpoint; gone after the test. */
export function pipelineFolder(url: string, changes: PipelineChanges = {}): string {
  const dir = mkdtempSync(join(tmpdir(), 'headwater-cli-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'seeds.jsonl'), `${seeds.join('\n')}\n`);
  writeRecipe(dir, url, changes);
  return dir;
}

/** Writes `mails.yaml`; JSON is YAML. */
export function writeRecipe(dir: string, url: string, { models = {}, ...changes }: PipelineChanges = {}): void {
  const recipe = {
    name: 'mails',
    domain: { about: 'short e-mails', fields: { subject: {}, body: {} } },
    inputs: { seeds: 'seeds.jsonl' },
    models: { base: endpoint(url, 'base'), instruct: endpoint(url, 'instruct'), ...models },
    target: { samples: 8 },
    ...changes,
  };
  writeFileSync(join(dir, 'mails.yaml'), JSON.stringify(recipe, null, 2));
}

/** A model behind an endpoint that is asked again once when it fails. */
export function endpoint(url: string, model: string, changes: Readonly<Record<string, unknown>> = {}) {
  return { engine: 'openai', url, model, maxInFlight: 4, timeoutMs: 1500, retries: 1, ...changes };
}
