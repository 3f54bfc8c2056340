import { describe, expect, it } from 'vitest';

import { isForeignTopic, recipe } from '../../schemas/recipe.js';
import { firstIssue } from '../../schemas/record.js';

const least = {
  name: 'word-problems',
  domain: { about: 'word problems', fields: { question: {} } },
  inputs: { seeds: 'seeds.jsonl' },
  models: { base: { engine: 'llama', model: 'small' } },
  target: { samples: 10 },
};

function bytesOf(bytes: unknown): number {
  return recipe.parse({ ...least, shards: { bytes } }).shards.bytes;
}

function everyOf(every: unknown): number | undefined {
  return recipe.parse({ ...least, shards: { every } }).shards.every;
}

function issueOf(change: Readonly<Record<string, unknown>>): string {
  const result = recipe.safeParse({ ...least, ...change });
  return result.success ? 'nothing' : firstIssue(result.error);
}

describe('a recipe', () => {
  it('has a default for all that it need not say', () => {
    expect(recipe.parse(least)).toMatchObject({
      method: 'bare',
      seed: 7,
      models: { embed: { engine: 'static' } },
      steps: {
        draft: { examples: 3, attempts: 3 },
        refine: { attempts: 2, minCosine: 0.7, minLengthRatio: 0.6 },
        gate: { seedOverlap: 0.6, language: 'off', pii: 'off', refusals: 'on' },
        dedupe: { near: 0.8, semantic: 0.95, remember: 1_000_000, vectors: 100_000 },
        decontaminate: 'off',
        rollingMmd: { window: 512, frequencies: 512, every: 8 },
      },
      shards: { dir: 'out', format: 'parquet', compression: 'zstd', rows: 5000, bytes: 64 * 2 ** 20, embeddings: true },
      topics: { kind: 'log', partitions: 1 },
    });
  });

  it('reads off and on, which YAML may read as false and true, and one language as a list', () => {
    const steps = {
      gate: { language: 'en', pii: ['email'], refusals: false },
      dedupe: { near: false, semantic: 0.9 },
      decontaminate: { files: ['bench/*.jsonl'], cosine: 'off' },
    };
    expect(recipe.parse({ ...least, steps }).steps).toMatchObject({
      gate: { language: ['en'], pii: ['email'], refusals: 'off' },
      dedupe: { near: 'off', semantic: 0.9 },
      decontaminate: { files: ['bench/*.jsonl'], grams: 13, cosine: 'off' },
    });
    expect(recipe.parse({ ...least, steps: { dedupe: false } }).steps.dedupe).toBe('off');
    expect(issueOf({ steps: { gate: { language: 'english' } } })).toContain('steps.gate.language');
    expect(issueOf({ steps: { dedupe: { near: 0.1 } } })).toContain('steps.dedupe');
    expect(issueOf({ steps: { decontaminate: { files: [] } } })).toContain('steps.decontaminate');
  });

  it.each([
    ['64MiB', 64 * 2 ** 20],
    ['64 MiB', 64 * 2 ** 20],
    ['1.5KiB', 1536],
    ['2GB', 2e9],
    ['10B', 10],
    ['10', 10],
    [10, 10],
  ])('reads %j as bytes', (written, bytes) => {
    expect(bytesOf(written)).toBe(bytes);
  });

  it.each([
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['250ms', 250],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    [5, 5],
  ])('reads %j as milliseconds', (written, milliseconds) => {
    expect(everyOf(written)).toBe(milliseconds);
  });

  it.each(['64 mib', 'MiB', '-1MiB', '1e3', '30s', '', 0, -5, null])('refuses %j as bytes', (written) => {
    expect(issueOf({ shards: { bytes: written } })).toContain("has a bad 'shards.bytes'");
  });

  it.each(['5', '30 seconds', '1MiB'])('refuses %j as a time', (written) => {
    expect(issueOf({ shards: { every: written } })).toContain("has a bad 'shards.every'");
  });

  it('watches for drift by a calibrated test, or by NEWMA, with the keys of each', () => {
    const driftOf = (drift: unknown) => {
      const { rollingMmd } = recipe.parse({ ...least, steps: { rollingMmd: { drift } } }).steps;
      return rollingMmd === 'off' ? rollingMmd : rollingMmd.drift;
    };
    const calibrated = { test: 'calibrated', expectedRunTime: 10_000, window: 64, reference: 1024 };
    expect(driftOf({})).toEqual(calibrated);
    expect(driftOf({ test: 'calibrated', window: 32 })).toEqual({ ...calibrated, window: 32 });
    expect(driftOf({ test: 'newma' })).toEqual({ test: 'newma', window: 64, deviations: 7 });
    expect(driftOf(false)).toBe('off');
    for (const drift of [{ test: 'cusum' }, { test: 'newma', reference: 512 }, { deviations: 5 }]) {
      expect(recipe.safeParse({ ...least, steps: { rollingMmd: { drift } } }).success).toBe(false);
    }
  });

  it.each(['off', false])('switches a step off with %j', (off) => {
    const { steps } = recipe.parse({ ...least, steps: { refine: off, rollingMmd: off } });
    expect([steps.refine, steps.rollingMmd]).toEqual(['off', 'off']);
  });

  it.each([
    [{ name: 'Word problems' }, 'name'],
    [{ target: { samples: 0 } }, 'target'],
    [{ target: { samples: 1, endless: true } }, 'target'],
    [{ models: { base: { engine: 'llama' } } }, 'models.base.model'],
    [{ models: { base: { engine: 'gpt' } } }, 'models.base.engine'],
    [{ models: { base: { engine: 'openai', url: 'file:///x', model: 'm' } } }, 'models.base.url'],
    [{ models: { base: { engine: 'openai', url: [], model: 'm' } } }, 'models.base.url'],
    [{ models: { base: { engine: 'openai', url: ['http://x', 'y'], model: 'm' } } }, 'models.base.url'],
    [
      { models: { base: { engine: 'openai', url: 'http://x', model: 'm', hedge: { after: 'p5' } } } },
      'models.base.hedge',
    ],
    [
      {
        models: {
          base: { engine: 'openai', url: 'http://x', model: 'm', limit: { kind: 'adaptive', min: 9, max: 8 } },
        },
      },
      'models.base.limit',
    ],
    [{ models: { base: { engine: 'openai', url: 'http://x', model: 'm', key: 'sk-1' } } }, 'models.base.key'],
    [{ inputs: {} }, 'inputs.seeds'],
    [{ seed: 2 ** 32 }, 'seed'],
    [{ topics: { partitions: 0 } }, 'topics.partitions'],
    [{ domain: { about: 'texts', fields: { id: {} } } }, 'domain.fields.id'],
  ])('says where %j is wrong', (change, path) => {
    expect(issueOf(change)).toContain(`has a bad '${path}`);
  });
});

describe('topics', () => {
  const topicsOf = (topics: unknown) => recipe.parse({ ...least, topics }).topics;

  it('are the embedded log where no kind is named', () => {
    expect(topicsOf({ dir: 'x', partitions: 2 })).toEqual({ kind: 'log', dir: 'x', partitions: 2 });
    expect(topicsOf({ kind: 'log' })).toEqual({ kind: 'log', partitions: 1 });
  });

  it('on Kafka have a default for all that they need not say', () => {
    expect(topicsOf({ kind: 'kafka' })).toEqual({
      kind: 'kafka',
      brokers: ['127.0.0.1:9092'],
      partitions: 1,
      session: 10_000,
      compression: 'none',
      commit: { every: 25, records: 1000 },
      ssl: false,
    });
  });

  it('come out the same when what came out is read again, as from the kept run', () => {
    const sasl = { mechanism: 'scram-sha-512', username: 'u', password: { file: 'p' } };
    const kafka = topicsOf({ kind: 'kafka', session: '20s', commit: { every: '1s' }, retention: { age: '1d' }, sasl });
    expect(topicsOf(JSON.parse(JSON.stringify(kafka)))).toEqual(kafka);
  });

  it.each(['kafka.example.org:9092', 'kafka_1:1', '10.0.0.1:65535', '[::1]:9092'])('takes the broker %s', (broker) => {
    expect(topicsOf({ kind: 'kafka', brokers: [broker] })).toMatchObject({ brokers: [broker] });
  });

  it.each([
    'kafka',
    'kafka:',
    ':9092',
    'kafka:0',
    'kafka:65536',
    'http://kafka:9092',
    'kafka:9092/x',
    '::1:9092',
    'a b:1',
  ])('refuses the broker %j', (broker) => {
    expect(issueOf({ topics: { kind: 'kafka', brokers: [broker] } })).toContain("has a bad 'topics.brokers.0'");
  });

  it.each([
    [{ brokers: [] }, 'topics.brokers'],
    [{ prefix: 'a b' }, 'topics.prefix'],
    [{ prefix: 'x'.repeat(101) }, 'topics.prefix'],
    [{ clientId: '' }, 'topics.clientId'],
    [{ session: '5999ms' }, 'topics.session'],
    [{ compression: 'zstd' }, 'topics.compression'],
    [{ commit: { records: 0 } }, 'topics.commit.records'],
    [{ replicas: 0 }, 'topics.replicas'],
    [{ ssl: { cert: 'c.pem' } }, 'topics.ssl'],
    [{ sasl: { mechanism: 'plain', username: 'u', password: 'literal' } }, 'topics.sasl'],
    [
      { sasl: { mechanism: 'oauthbearer', tokenUrl: 'https://u:p@h/', clientId: 'c', clientSecret: '$S' } },
      'topics.sasl',
    ],
  ])('refuses %j', (change, path) => {
    expect(issueOf({ topics: { kind: 'kafka', ...change } })).toContain(`has a bad '${path}`);
  });
});

describe('a topic of others', () => {
  const realOf = (real: unknown) => recipe.parse({ ...least, inputs: { seeds: 's.jsonl', real } }).inputs.real;

  it('has a default for all but its name and map', () => {
    const topic = { topic: 'tickets', map: { question: '$.body' } };
    expect(realOf(topic)).toEqual({ ...topic, format: 'json', from: 'earliest' });
    expect(isForeignTopic(realOf(topic))).toBe(true);
    expect(isForeignTopic(realOf({ topic: 'tickets' }))).toBe(false);
    expect(isForeignTopic(realOf('real.jsonl'))).toBe(false);
    expect(isForeignTopic(undefined)).toBe(false);
  });

  it.each(['$.body', '$.customer.name', '$.items[0].text', '$[2]', '$.größe', '$.first-name', '$.a[0][1]'])(
    'takes the path %s',
    (path) => {
      expect(realOf({ topic: 't', map: { question: path } })).toMatchObject({ map: { question: path } });
    },
  );

  it.each([
    '',
    '$',
    'body',
    '.body',
    '$body',
    '$.',
    '$..a',
    '$.a.',
    '$.a[]',
    '$.a[x]',
    '$.a[-1]',
    '$.*',
    "$['a']",
    '$.a b',
  ])('refuses the path %j', (path) => {
    expect(issueOf({ inputs: { seeds: 's', real: { topic: 't', map: { question: path } } } })).toContain('inputs.real');
  });

  it.each(['', '.', '..', 'a/b', 'x'.repeat(250)])('refuses the topic %j', (topic) => {
    expect(issueOf({ inputs: { seeds: 's', real: { topic, map: { question: '$.a' } } } })).toContain('inputs.real');
  });
});
