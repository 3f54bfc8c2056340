import { map, type OperatorFunction } from 'rxjs';

import type { Outcome } from './outcome.js';

type Memory = ReadonlyMap<string, unknown>;

/**
 * An operator whose memory has its keys under `name/`, so that several share a stage's memory.
 *
 * `make` is given the entries under the name, without it; the changes in its outcomes get it back.
 *
 * @example
 * ```ts
 * const counted = scoped('quota', memory, (own) => quota({ memory: own, lane }));
 * ```
 */
export function scoped<In, Out>(
  name: string,
  memory: Memory,
  make: (memory: Memory) => OperatorFunction<In, Outcome<In, Out>>,
): OperatorFunction<In, Outcome<In, Out>> {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new TypeError(`name: expected lower-case letters, digits and -, got '${name}'`);
  }
  const operator = make(scopedMemory(memory, name));
  return (source) => source.pipe(operator, scopedChanges(name));
}

/** The entries of a memory whose keys start with `name/`, under the rest of their keys: a copy. */
export function scopedMemory(memory: Memory, name: string): Memory {
  const prefix = `${name}/`;
  const own = new Map<string, unknown>();
  for (const [key, value] of memory) {
    if (key.startsWith(prefix)) own.set(key.slice(prefix.length), value);
  }
  return own;
}

/** Outcomes in, the same out with `name/` before the keys of their changes. */
export function scopedChanges<In, Out>(name: string): OperatorFunction<Outcome<In, Out>, Outcome<In, Out>> {
  return map((outcome) => {
    const { changes } = outcome;
    if (changes === undefined) return outcome;
    return { ...outcome, changes: changes.map(([key, value]) => [`${name}/${key}`, value] as const) };
  });
}
