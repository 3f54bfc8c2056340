import type { Recipe } from '../../schemas/recipe.js';
import type { Secret } from '../../schemas/secret.js';
import { modelsInUse } from './cross-checks.js';
import { foreignTopics } from './foreign-topic-checks.js';
import type { Problem } from './problem.js';

/** Whose secrets a command needs: `all` to run, `topics` to read what is there, `none` where it opens no topic. */
export type NeededSecrets = 'all' | 'topics' | 'none';

/** The environment variables that hold needed secrets and are not set, or are empty. */
export function missingVariables(
  recipe: Recipe,
  needed: NeededSecrets,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Problem[] {
  const secrets = needed === 'none' ? [] : topicSecrets(recipe);
  if (needed === 'all') secrets.push(...modelKeys(recipe), ...registrySecrets(recipe));
  return secrets.flatMap(([path, secret]) => {
    if (typeof secret !== 'string' || environment[secret.slice(1)]) return [];
    const name = secret.slice(1);
    return [{ path, text: `the environment variable ${name} is not set: export ${name}=... before you start` }];
  });
}

type Place = [path: readonly string[], secret: Secret | undefined];

function modelKeys(recipe: Recipe): Place[] {
  return [...modelsInUse(recipe)].map(([role, model]) => {
    return [['models', role, 'key'], 'key' in model ? model.key : undefined];
  });
}

function topicSecrets({ topics }: Recipe): Place[] {
  const sasl = topics.kind === 'kafka' ? topics.sasl : undefined;
  if (sasl === undefined) return [];
  const at = (key: string, secret: Secret): Place[] => [[['topics', 'sasl', key], secret]];
  if ('password' in sasl) return at('password', sasl.password);
  return 'token' in sasl ? at('token', sasl.token) : at('clientSecret', sasl.clientSecret);
}

function registrySecrets(recipe: Recipe): Place[] {
  return foreignTopics(recipe).map(([kind, { registry }]) => [
    ['inputs', kind, 'registry', 'password'],
    registry?.password,
  ]);
}
