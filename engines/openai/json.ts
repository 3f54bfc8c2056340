/** A property of something that JSON gave; undefined where it is not an object or has none of that name. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** A text without lone surrogates, which UTF-8 cannot carry and servers break on: U+FFFD in their place. */
export function wellFormed(text: string): string {
  // Most texts have no surrogates at all, which is quickly seen.
  return /[\uD800-\uDFFF]/.test(text) ? text.replace(/\p{Surrogate}/gu, '\uFFFD') : text;
}
