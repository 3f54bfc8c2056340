import { HeadwaterError } from '../../schemas/errors.js';

/** A way into a decoded value: names of fields and indexes of lists, from the outside in. */
export type ValuePath = readonly (string | number)[];

const whole = /^\$(?:\.[^\s.[\]'"*?]+|\[\d{1,9}\])+$/;
const step = /\.([^.[]+)|\[(\d+)\]/g;

/** The steps of a path such as `$.customer.items[0].text`. Throws `recipe-invalid`. */
export function parsePath(text: string): ValuePath {
  if (!whole.test(text)) {
    const expected = 'expected a path such as $.body, $.customer.name or $.items[0].text';
    throw new HeadwaterError('recipe-invalid', `'${text.slice(0, 80)}' is no place in a message: ${expected}`);
  }
  return [...text.matchAll(step)].map(([, name, index]) => name ?? Number(index));
}

/**
 * What stands at a path; undefined where a step leads nowhere. Only what a value itself holds counts, and the wrapping of
 * an Avro union is looked through.
 */
export function valueAt(value: unknown, path: ValuePath): unknown {
  let at = unwrapped(value);
  for (const key of path) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) !== (typeof key === 'number')) return undefined;
    at = Object.hasOwn(at, key) ? unwrapped(Reflect.get(at, key)) : undefined;
  }
  return at;
}

/** avsc wraps the value of a union whose branches look alike, such as two records, in an object that can `unwrap`. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.hasOwn(value, 'unwrap')) return value;
  const unwrap: unknown = Reflect.get(value, 'unwrap');
  return typeof unwrap === 'function' ? unwrap.call(value) : value;
}
