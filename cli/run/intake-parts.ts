import { isForeignTopic, type Recipe } from '../../schemas/recipe.js';
import type { InputKind } from '../../streams/inputs/to-record.js';
import type { IntakeParts } from '../../streams/intake/intake-stages.js';
import { secretValue } from './secret-value.js';
import type { Session } from './session.js';

/** What stages need that read the topics of others. */
export function intakeParts({ loaded, io }: Pick<Session, 'loaded' | 'io'>): IntakeParts {
  const { recipe, dir: base } = loaded;
  return {
    registryPassword: (kind) => registryPassword(recipe, kind, base),
    waiting: (stage, why) => io.err(`${stage}: ${why === null ? 'goes on' : `waits: ${why}`}\n`),
  };
}

/** The password of an input's schema registry. */
async function registryPassword({ inputs }: Recipe, kind: InputKind, base: string): Promise<string> {
  const input = inputs[kind];
  const password = isForeignTopic(input) ? input.registry?.password : undefined;
  if (password === undefined) return '';
  return secretValue(password, `inputs.${kind}.registry.password`, { base, environment: process.env });
}
