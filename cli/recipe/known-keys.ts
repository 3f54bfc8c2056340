import { z } from 'zod';

import { recipe } from '../../schemas/recipe.js';

let schema: unknown;

/** The keys that a recipe may have at a path; of a union, those of the branches that fit the value so far. */
export function knownKeys(path: readonly string[], value: unknown): readonly string[] {
  schema ??= z.toJSONSchema(recipe, { io: 'input', unrepresentable: 'any' });
  let nodes = branches(schema, value);
  let inner = value;
  for (const key of path) {
    inner = get(inner, key);
    nodes = nodes.flatMap((node) => branches(below(node, key), inner));
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(get(node, 'properties') ?? {})))];
}

function below(node: unknown, key: string): unknown {
  return get(get(node, 'properties'), key) ?? get(node, 'items') ?? get(node, 'additionalProperties');
}

function branches(node: unknown, value: unknown): unknown[] {
  const choices = get(node, 'anyOf') ?? get(node, 'oneOf');
  if (!Array.isArray(choices)) return [node];
  const fitting = choices.filter((choice) => discriminates(choice, value));
  return (fitting.length > 0 ? fitting : choices).flatMap((choice: unknown) => branches(choice, value));
}

/** Whether no constant of a branch differs from the value's. */
function discriminates(choice: unknown, value: unknown): boolean {
  return Object.entries(get(choice, 'properties') ?? {}).every(([key, property]) => {
    const constant = get(property, 'const');
    const given = get(value, key);
    return constant === undefined || given === undefined || constant === given;
  });
}

/** The own property of an object, undefined of anything else. */
export function get(value: unknown, key: string): unknown;
export function get(value: unknown, key: 'properties'): object | undefined;
export function get(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}
