type Json = Readonly<Record<string, unknown>>;

/** Where two recipes differ, a line for each place; undefined where they do not. */
export function recipeDifferences(kept: Json, wanted: Json): string | undefined {
  const found = differences('', kept, wanted);
  if (found.length === 0) return undefined;
  return found.map(({ path, left, right }) => `  ${path}: ${show(left)} there, ${show(right)} now`).join('\n');
}

interface Difference {
  readonly path: string;
  readonly left: unknown;
  readonly right: unknown;
}

/** Where two JSON values differ, as dotted paths; arrays are compared as a whole. */
function differences(path: string, left: unknown, right: unknown): readonly Difference[] {
  if (!isObject(left) || !isObject(right)) {
    return canonical(left) === canonical(right) ? [] : [{ path, left, right }];
  }
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  return names.flatMap((name) => differences(path === '' ? name : `${path}.${name}`, left[name], right[name]));
}

/** JSON in which the order of fields does not matter. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, each: unknown) =>
    isObject(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  );
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
