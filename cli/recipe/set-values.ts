import { isDeepStrictEqual } from 'node:util';
import { type Document, isAlias, parseDocument } from 'yaml';

import { HeadwaterError } from '../../schemas/errors.js';

/** A value that the command line puts into the recipe. */
export interface SetValue {
  readonly path: readonly string[];
  readonly value: unknown;
  /** As the user wrote it, such as `--set seed=8`. */
  readonly shown: string;
}

/** Of a value with such a key, messages show the path alone. */
const mayHoldSecret = /\b(?:sasl|registry|key|password|token|secret|clientSecret)\b/i;

/** Reads `path=value`, the value being YAML. Throws `recipe-invalid` where it is neither. */
export function parseSet(text: string): SetValue {
  const at = text.indexOf('=');
  const shown = mayHoldSecret.test(text) ? `--set ${at === -1 ? '…' : `${text.slice(0, at)}=…`}` : `--set ${text}`;
  const path = text.slice(0, Math.max(at, 0)).trim().split('.');
  if (at === -1 || path.some((key) => key === '' || key === '__proto__')) {
    throw new HeadwaterError(
      'recipe-invalid',
      `${shown}: expected path=value, such as --set models.base.temperature=0.8`,
    );
  }
  const document = parseDocument(text.slice(at + 1), { prettyErrors: false, logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined)
    throw new HeadwaterError('recipe-invalid', `${shown}: the value is not YAML: ${error.message}`);
  return { path, value: plainValue(document, text.slice(at + 1), shown), shown };
}

/** A glob such as `*.txt` reads like the name of an alias, which no single value has. */
function plainValue(document: Document, text: string, shown: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 10 });
  } catch (cause) {
    if (document.contents === null || !isAlias(document.contents)) {
      throw new HeadwaterError('recipe-invalid', `${shown}: the value is not YAML: ${String(cause)}`, { cause });
    }
    return text.trim();
  }
}

/** The recipe with a value at a path; mappings on the way are made. Throws `recipe-invalid` where something else is there. */
export function withValue(recipe: unknown, set: SetValue, from = 0): unknown {
  const [key, ...rest] = set.path.slice(from);
  if (key === undefined) return set.value;
  if (Array.isArray(recipe)) return withElement(recipe, key, set, from);
  if (typeof recipe !== 'object' && recipe !== undefined) {
    const above = set.path.slice(0, from).join('.');
    const nested = rest.reduceRight((value, name) => `{${name}: ${value}}`, 'VALUE');
    throw new HeadwaterError(
      'recipe-invalid',
      `${set.shown}: ${above} is not a mapping in the recipe: set it as a whole, --set '${above}={${key}: ${nested}}'`,
    );
  }
  const inner: unknown = recipe && Object.hasOwn(recipe, key) ? Reflect.get(recipe, key) : undefined;
  return { ...recipe, [key]: withValue(inner ?? undefined, set, from + 1) };
}

function withElement(list: readonly unknown[], key: string, set: SetValue, from: number): unknown {
  const index = Number(key);
  if (!Number.isInteger(index) || index < 0 || index >= list.length) {
    const above = set.path.slice(0, from).join('.');
    throw new HeadwaterError(
      'recipe-invalid',
      `${set.shown}: ${above} is a list of ${list.length}, from 0: '${key}' is not in it`,
    );
  }
  return list.with(index, withValue(list[index], set, from + 1));
}

/** The newest set value that decides what is at a path. */
export function setBy(path: readonly string[], sets: readonly SetValue[]): SetValue | undefined {
  return sets.findLast((set) => isDeepStrictEqual(path.slice(0, set.path.length), set.path));
}
