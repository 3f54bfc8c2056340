import type { Domain } from '../../../schemas/domain.js';
import { endOfExample, type RawLayout } from './layout.js';
import { titledLines } from './titled-lines.js';

const heading = '### Example';

/** Numbered headings over `Title: value` lines; no end marker: a text ends where the next heading stands. */
export function sections(domain: Domain): RawLayout {
  const lines = titledLines(domain, [heading], [heading]);
  return {
    id: 'sections/1',
    shown: lines.shown,
    leads: lines.leads,
    qualities: lines.qualities,
    contextTitle: lines.contextTitle,
    example: (example, number) =>
      [`${heading} ${number}`, ...lines.leads(example), ...lines.fields(example.fields)].join('\n'),
    text: (fields) => lines.fields(fields).join('\n'),
    format: `in the format of the examples, without a heading: ${lines.namedTitles}, each at the start of a line`,
    // A chat model may begin with a heading: it ends an answer only after a text, which parsing sees to.
    stops: [],
    parse: lines.parse,
    parts: (answer) => answer.split(endOfExample),
    rawStops: [heading],
    opened: (plan, number) => ({
      shared: `${heading} ${number}\n`,
      own: lines.opening(plan),
    }),
    parseRaw: lines.parseRaw,
  };
}
