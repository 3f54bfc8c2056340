import type { Sample } from '../../schemas/sample.js';

/** A sample for a person: its label, then a line or more for each field. */
export function sampleText({ fields, label }: Pick<Sample, 'fields' | 'label'>): string {
  const texts = Object.entries(fields).map(([name, text]) => `${name}: ${text}`);
  return [...(label === undefined ? [] : [`[${label}]`]), ...texts].join('\n');
}
