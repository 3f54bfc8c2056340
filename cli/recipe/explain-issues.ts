import type { z } from 'zod';

import { discriminatorAt, get, knownKeys, placeOf } from './known-keys.js';
import { alternatives, nearest, suggestion } from './nearest.js';
import type { Problem } from './problem.js';

type Issue = z.core.$ZodIssue;
type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** What zod found wrong with a recipe, each as one sentence; a union is explained by the branch that was meant. */
export function explainIssues(issues: readonly Issue[], input: unknown): readonly Problem[] {
  return issues.flatMap((issue) => explain(issue, input, []));
}

function explain(issue: Issue, input: unknown, base: readonly string[]): Problem[] {
  const path = [...base, ...issue.path.map(String)];
  const value = path.reduce<unknown>(get, input);
  const one = (text: string): Problem[] => [{ path, text }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, input));
    case 'invalid_type':
      return one(misfit(typeName(issue.expected), value));
    case 'invalid_value':
      return one(notOneOf(issue.values.map(shown), value));
    case 'invalid_key':
      return one(`'${path.at(-1) ?? ''}' is no name: ${issue.issues[0]?.message ?? issue.message}`);
    case 'invalid_union':
      return explainUnion(issue, value, path, input);
    case 'custom':
      return one(`${lowerFirst(issue.message)}${issue.params?.['hidden'] === true ? '' : receivedScalar(value)}`);
    default:
      return one(`${lowerFirst(issue.message.replace(/^Invalid input: /, ''))}${receivedScalar(value)}`);
  }
}

function explainUnion(issue: UnionIssue, value: unknown, path: readonly string[], input: unknown): Problem[] {
  if (issue.errors.length === 0) {
    // A discriminator without a branch: its values are constants of the branches.
    const options: unknown = Reflect.get(issue, 'options');
    const known = Array.isArray(options) ? options.filter((option) => option !== undefined).map(shown) : [];
    return [{ path, text: notOneOf(known, value) }];
  }
  const kindred = issue.errors.filter((branch) => !branch.some(isWrongKind));
  if (kindred.length === 0) return [{ path, text: wrongKind(issue, value) }];

  const discriminator = discriminatorAt(path, input);
  const meant = kindred.filter((branch) => discriminator === undefined || !branch.some(isAt(discriminator)));
  if (meant.length === 0 && discriminator !== undefined) {
    const known = kindred.flatMap((branch) => branch.filter(isAt(discriminator)).flatMap(({ values }) => values));
    return [
      { path: [...path, discriminator], text: notOneOf([...new Set(known)].map(shown), get(value, discriminator)) },
    ];
  }
  // A key that no branch knows is what to mend first.
  const unknown = unknownEverywhere(meant);
  if (unknown.length > 0) return unknown.map((key) => unknownKey(key, path, input));
  const least = Math.min(...meant.map(distance));
  const closest = meant.filter((branch) => distance(branch) === least);
  const missing = closest.flatMap((branch) => branch.flatMap((inner) => missingKey(inner, value) ?? []));
  if (closest.length > 1 && missing.length === closest.length) {
    return [{ path, text: `expected one of the keys ${alternatives(missing.map(shown))}` }];
  }
  return (closest[0] ?? []).flatMap((inner) => explain(inner, input, path));
}

/** What a value of no branch's kind should be: what the union itself says of it, or the kinds. */
function wrongKind({ errors, message }: UnionIssue, value: unknown): string {
  if (message === 'Invalid input') return misfit(alternatives([...new Set(errors.map(expectation))]), value);
  return value === undefined ? `is missing: ${message}` : `${message}, received ${kindOf(value)}`;
}

/** How far a value is from a branch: keys that it does not know count most. */
function distance(branch: readonly Issue[]): number {
  const unknown = branch.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys;
    return issue.code === 'invalid_type' && issue.expected === 'never' ? [issue.path.join('.')] : [];
  });
  return unknown.length * 1000 + branch.length;
}

function isAt(key: string) {
  return (issue: Issue): issue is Extract<Issue, { code: 'invalid_value' }> => {
    return issue.code === 'invalid_value' && issue.path.length === 1 && issue.path[0] === key;
  };
}

function missingKey({ path }: Issue, value: unknown): string | null {
  const key = String(path[0] ?? '');
  return path.length === 1 && get(value, key) === undefined ? key : null;
}

function unknownEverywhere(branches: readonly (readonly Issue[])[]): string[] {
  const [first = [], ...others] = branches.map((branch) =>
    branch.flatMap((issue) => (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [])),
  );
  return first.filter((key) => others.every((keys) => keys.includes(key)));
}

function unknownKey(key: string, path: readonly string[], input: unknown): Problem {
  const text = placeOf(key, path, input) ?? `unknown key${suggestion(key, knownKeys(path, input))}`;
  return { path: [...path, key], text };
}

/** Whether a branch of a union is for another kind of value altogether. */
function isWrongKind(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function expectation(branch: readonly Issue[]): string {
  const issue = branch.find(isWrongKind);
  if (issue?.code === 'invalid_type') return typeName(issue.expected);
  return issue?.code === 'invalid_value' ? alternatives(issue.values.map(shown)) : 'another value';
}

function misfit(expected: string, value: unknown): string {
  return value === undefined ? `is missing: expected ${expected}` : `expected ${expected}, received ${kindOf(value)}`;
}

function notOneOf(known: readonly string[], value: unknown): string {
  if (value === undefined) return `is missing: expected ${alternatives(known)}`;
  const near = typeof value === 'string' ? nearest(shown(value), known) : null;
  const hint = near === null ? '' : `, did you mean ${near}?`;
  return `expected ${alternatives(known)}, received ${typeof value === 'object' ? kindOf(value) : shown(value)}${hint}`;
}

function typeName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    object: 'mapping',
    record: 'mapping',
    array: 'list',
    int: 'integer',
  };
  return names[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  return Array.isArray(value) ? 'list' : typeof value === 'object' ? 'mapping' : typeof value;
}

function shown(value: unknown): string {
  // Addresses may hold a user and a password.
  return typeof value === 'string' ? `'${value.replace(/\/\/[^/\s]*@/g, '//…@').slice(0, 60)}'` : String(value);
}

function receivedScalar(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? `, received ${shown(value)}` : '';
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
