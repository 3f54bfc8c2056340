import type { Domain } from '../../../schemas/domain.js';
import { endOfExample, type RawLayout } from './layout.js';
import { titledLines } from './titled-lines.js';

/** What opens and closes an example. Neither is ever part of a sample. */
export const markers = { start: 'EXAMPLE START', end: 'EXAMPLE END' } as const;

/** BARE's layout: `Title: value` lines between a marker that opens an example and one that closes it. */
export function blocks(domain: Domain): RawLayout {
  const both = [markers.end, markers.start];
  const lines = titledLines(domain, both, both);
  return {
    id: 'blocks/1',
    shown: lines.shown,
    leads: lines.leads,
    qualities: lines.qualities,
    contextTitle: lines.contextTitle,
    example: (example) =>
      [markers.start, ...lines.leads(example), ...lines.fields(example.fields), markers.end].join('\n'),
    text: (fields) => lines.fields(fields).join('\n'),
    format: `in the format of the examples, without their markers: ${lines.namedTitles}, each at the start of a line`,
    // A chat model may copy the opening marker: only the closing one ends its answer.
    stops: [markers.end],
    parse: lines.parse,
    parts: (answer) => answer.split(new RegExp(`${endOfExample}|${markers.end}`, 'u')),
    rawStops: both,
    opened: (plan) => ({
      shared: `${markers.start}\n`,
      own: lines.opening(plan),
    }),
    parseRaw: lines.parseRaw,
  };
}
