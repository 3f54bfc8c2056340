import type { Column, ColumnContent } from './table.js';

/** The columns that objects have, in the order in which they turn up; each is called by what most rows hold. */
export function columnsOf(rows: readonly unknown[]): readonly Column[] {
  const values = new Map<string, unknown[]>();
  for (const row of rows) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) continue;
    for (const [name, value] of Object.entries(row)) {
      if (value !== null && value !== undefined && value !== '') values.set(name, [...(values.get(name) ?? []), value]);
      else if (!values.has(name)) values.set(name, []);
    }
  }
  return [...values].map(([name, found]) => ({ name, holds: contentOf(found) }));
}

function contentOf(values: readonly unknown[]): ColumnContent {
  const share = (isOne: (value: unknown) => boolean) => values.filter(isOne).length / values.length;
  if (share(isVector) > 0.5) return 'vector';
  // in CSV everything is a text
  if (share((value) => typeof value === 'string' && !isNumber(value)) > 0.5) return 'text';
  return 'other';
}

function isVector(value: unknown): boolean {
  if (typeof value === 'string') return /^\s*\[\s*-?[\d.]/.test(value);
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  return isList && typeof Reflect.get(value, 0) === 'number';
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text));
}
