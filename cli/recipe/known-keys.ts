import { z } from 'zod';

import { recipe } from '../../schemas/recipe.js';
import { alternatives } from './nearest.js';

let schema: unknown;

/** The keys that a recipe may have at a path; of a union, those of the branches that fit the value so far. */
export function knownKeys(path: readonly string[], value: unknown): readonly string[] {
  return [...new Set(nodesAt(path, value).flatMap((node) => Object.keys(get(node, 'properties') ?? {})))];
}

/** What a key that a value may not have asks for: `only with kind: kafka`, or `not together with topic`; null where no branch has it. */
export function placeOf(key: string, path: readonly string[], value: unknown): string | null {
  const given = path.reduce<unknown>(get, value);
  for (const choices of unionsAt(path, value)) {
    const having = choices.filter((choice) => get(get(choice, 'properties'), key) !== undefined);
    const fitting = having.find((choice) => fits(choice, choices, given));
    const [choice = fitting] = having;
    if (choice === undefined) continue;
    const [discriminator] = discriminatorsOf(choices);
    if (fitting === undefined && discriminator !== undefined) {
      return `only with ${discriminator}: ${alternatives(constantsOf(choice, discriminator).map(String))}`;
    }
    const clashing = Object.keys(Object(given)).filter((other) => get(get(choice, 'properties'), other) === undefined);
    if (clashing.length > 0) return `not together with ${clashing.join(', ')}`;
  }
  return null;
}

/** The key whose constants tell the branches of a path's union apart. */
export function discriminatorAt(path: readonly string[], value: unknown): string | undefined {
  return unionsAt(path, value).flatMap(discriminatorsOf)[0];
}

/** The schemas that the value at a path may follow, unions resolved. */
function nodesAt(path: readonly string[], value: unknown): readonly unknown[] {
  let inner = value;
  let nodes = branches(root(), inner);
  for (const key of path) {
    inner = get(inner, key);
    nodes = nodes.flatMap((node) => branches(below(node, key), inner));
  }
  return nodes;
}

/** The unions that the value at a path may follow, each as its choices. */
function unionsAt(path: readonly string[], value: unknown): readonly (readonly unknown[])[] {
  const last = path.at(-1);
  const above = nodesAt(path.slice(0, -1), value);
  const nodes = last === undefined ? [root()] : above.map((node) => below(node, last));
  return nodes.flatMap((node) => {
    const choices = choicesOf(node);
    return choices === undefined ? [] : [choices];
  });
}

function root(): unknown {
  schema ??= z.toJSONSchema(recipe, { io: 'input', unrepresentable: 'any' });
  return schema;
}

function below(node: unknown, key: string): unknown {
  return get(get(node, 'properties'), key) ?? get(node, 'items') ?? get(node, 'additionalProperties');
}

function branches(node: unknown, value: unknown): unknown[] {
  const choices = choicesOf(node);
  if (choices === undefined) return [node];
  const fitting = choices.filter((choice) => fits(choice, choices, value));
  return (fitting.length > 0 ? fitting : choices).flatMap((choice) => branches(choice, value));
}

function choicesOf(node: unknown): readonly unknown[] | undefined {
  const choices = get(node, 'anyOf') ?? get(node, 'oneOf');
  return Array.isArray(choices) ? choices : undefined;
}

/** Whether a branch has what the value, or a branch's default, says of each key that tells branches apart. */
function fits(choice: unknown, choices: readonly unknown[], value: unknown): boolean {
  return discriminatorsOf(choices).every((key) => {
    const given = get(value, key) ?? defaultOf(choices, key);
    return given === undefined || constantsOf(choice, key).includes(given);
  });
}

/** Keys that every mapping among the branches has, with constants as values. */
function discriminatorsOf(choices: readonly unknown[]): readonly string[] {
  const [first, ...others] = choices.filter((choice) => get(choice, 'properties') !== undefined);
  if (others.length === 0) return [];
  return Object.keys(get(first, 'properties') ?? {}).filter((key) => {
    return [first, ...others].every((choice) => constantsOf(choice, key).length > 0);
  });
}

function defaultOf(choices: readonly unknown[], key: string): unknown {
  return choices
    .map((choice) => get(get(get(choice, 'properties'), key), 'default'))
    .find((each) => each !== undefined);
}

function constantsOf(choice: unknown, key: string): readonly unknown[] {
  const property = get(get(choice, 'properties'), key);
  const constant = get(property, 'const');
  const values = get(property, 'enum');
  return constant !== undefined ? [constant] : Array.isArray(values) ? values : [];
}

/** The own property of an object, undefined of anything else. */
export function get(value: unknown, key: string): unknown;
export function get(value: unknown, key: 'properties'): object | undefined;
export function get(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}
