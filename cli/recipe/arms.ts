import { arms as armsSchema } from '../../schemas/arms.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { explainIssues } from './explain-issues.js';
import { get } from './known-keys.js';
import { suggestion } from './nearest.js';
import type { ParsedYaml } from './parse-yaml.js';
import type { SetValue } from './set-values.js';

/** One arm of a recipe: what it puts in place of what the recipe says. */
export interface Arm {
  readonly name: string;
  readonly sets: readonly SetValue[];
}

/** A recipe file without its arms, and those. */
export interface ArmedRecipe {
  readonly recipe: unknown;
  readonly arms: readonly Arm[];
}

/**
 * Takes the arms out of a recipe file; an ordinary recipe has none. A key with dots is a path whose value replaces what is there, as
 * with `--set`; a mapping under a plain key is merged into what is there. Throws `recipe-invalid`, naming the line.
 */
export function withoutArms({ value, lineOf }: ParsedYaml, shown: string): ArmedRecipe {
  const given = get(value, 'arms');
  if (given === undefined || typeof value !== 'object' || value === null) return { recipe: value, arms: [] };
  const parsed = armsSchema.safeParse(given);
  if (!parsed.success) {
    const problems = explainIssues(parsed.error.issues, given).map(({ path, text }) => {
      const place = ['arms', ...path];
      return `${shown}:${lineOf(place)}: ${place.join('.')}: ${text}`;
    });
    throw new HeadwaterError('recipe-invalid', problems.join('\n'));
  }
  const { arms: _, ...recipe } = value as { readonly arms: unknown };
  const arms = Object.entries(parsed.data).map(([name, changes]) => {
    const said = (keys: readonly string[]) => `${shown}:${lineOf(['arms', name, ...keys])} (arm ${name})`;
    return { name, sets: setsOf(changes, [], [], said) };
  });
  return { recipe, arms };
}

/** The arm of that name. Throws `recipe-invalid`. */
export function armNamed(name: string, arms: readonly Arm[], shown: string): Arm {
  const arm = arms.find((each) => each.name === name);
  if (arm !== undefined) return arm;
  const hint = suggestion(
    name,
    arms.map((each) => each.name),
  );
  throw new HeadwaterError('recipe-invalid', `${shown} has no arm '${name}'${hint}`);
}

/**
 * The recipe of an arm, which is a pipeline of its own: with a name of its own, and a prefix where topics have one, so that on Kafka
 * arms have topics of their own.
 */
export function namedAs(arm: string, recipe: unknown): unknown {
  const [name, topics] = [get(recipe, 'name'), get(recipe, 'topics')];
  const prefix = get(topics, 'prefix');
  return {
    ...(recipe as object),
    ...(typeof name === 'string' && { name: `${name}-${arm}` }),
    ...(typeof prefix === 'string' && { topics: { ...(topics as object), prefix: `${prefix}-${arm}` } }),
  };
}

/** `keys` lead to a change in the file, `path` to the value in the recipe. */
function setsOf(
  changes: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  path: readonly string[],
  said: (keys: readonly string[]) => string,
): readonly SetValue[] {
  return Object.entries(changes).flatMap(([key, value]): readonly SetValue[] => {
    const [place, steps] = [[...keys, key], key.split('.')];
    const shown = said(place);
    if (steps.some((step) => step === '' || step === '__proto__')) {
      throw new HeadwaterError(
        'recipe-invalid',
        `${shown}: '${key}' is no path: expected names with dots between them`,
      );
    }
    const target = [...path, ...steps];
    const merges = steps.length === 1 && isMapping(value) && Object.keys(value).length > 0;
    return merges ? setsOf(value, place, target, said) : [{ path: target, value, shown }];
  });
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
