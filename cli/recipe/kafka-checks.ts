import type { Recipe } from '../../schemas/recipe.js';
import { foreignTopics } from './foreign-topic-checks.js';
import type { Problem } from './problem.js';

/** What the settings of a recipe's Kafka topics ask of one another. */
export function kafkaProblems({ topics }: Recipe): readonly Problem[] {
  if (topics.kind !== 'kafka') return [];
  const problems: Problem[] = [];
  const { brokers, commit, session } = topics;
  const twice = brokers.find((broker, index) => brokers.indexOf(broker) !== index);
  if (twice !== undefined) problems.push({ path: ['topics', 'brokers'], text: `'${twice}' is there twice` });
  if (commit.every >= session) {
    const text = `${commit.every} ms is not below the session of ${session} ms: commit more often, or raise topics.session`;
    problems.push({ path: ['topics', 'commit', 'every'], text });
  }
  return problems;
}

/** Secrets that travel where others on the way can read them, and settings without effect. */
export function kafkaWarnings(recipe: Recipe): readonly Problem[] {
  return [...loginWarnings(recipe), ...registryWarnings(recipe)];
}

function loginWarnings({ topics }: Recipe): readonly Problem[] {
  if (topics.kind !== 'kafka' || topics.sasl === undefined) return [];
  const { sasl, ssl } = topics;
  const warnings: Problem[] = [];
  if (ssl === false) {
    const travels = {
      plain: 'the password and all records travel in clear',
      'scram-sha-256': 'all records travel in clear, and what a password can be guessed from',
      'scram-sha-512': 'all records travel in clear, and what a password can be guessed from',
      oauthbearer: 'the token and all records travel in clear',
    };
    const text = `without topics.ssl ${travels[sasl.mechanism]}: set ssl: true where the brokers listen with TLS`;
    warnings.push({ path: ['topics', 'sasl'], text });
  }
  if ('tokenUrl' in sasl && inClear(sasl.tokenUrl)) {
    const text = 'the client secret travels in clear: use an https address';
    warnings.push({ path: ['topics', 'sasl', 'tokenUrl'], text });
  }
  return warnings;
}

function registryWarnings(recipe: Recipe): readonly Problem[] {
  return foreignTopics(recipe).flatMap(([kind, { format, registry }]) => {
    if (registry === undefined) return [];
    const path = ['inputs', kind, 'registry'];
    if (format === 'json') return [{ path, text: 'has no effect with format: json' }];
    const bare = registry.password !== undefined && inClear(registry.url);
    return bare ? [{ path: [...path, 'url'], text: 'the password travels in clear: use an https address' }] : [];
  });
}

/** Whether others can read on the way to an address. */
function inClear(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}
