import type { EndpointReport } from '../../schemas/worker-report.js';

/** How an endpoint does, in a line: `base http://127.0.0.1:8000/v1: limit 32, 12 in flight, well`. */
export function endpointText({ role, url, limit, inFlight, state }: EndpointReport): string {
  return `${role} ${url}: limit ${limit}, ${inFlight} in flight, ${state}`;
}

/** A line for each, of a rack those that are not well first, and how many more there are. */
export function endpointTexts(endpoints: readonly EndpointReport[]): readonly string[] {
  const worstFirst = [...endpoints].sort((a, b) => Number(a.state === 'well') - Number(b.state === 'well'));
  const shown = endpoints.length <= most ? endpoints : worstFirst.slice(0, most);
  const rest = endpoints.length - shown.length;
  return [...shown.map(endpointText), ...(rest === 0 ? [] : [`and ${rest} more`])];
}

const most = 8;
