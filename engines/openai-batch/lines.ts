import { field } from '../openai/json.js';

/** Where a request of a batch goes. */
export type Route = '/v1/completions' | '/v1/chat/completions';

/** A line of an input file; without its line end. */
export function requestLine(customId: string, route: Route, body: unknown): string {
  return JSON.stringify({ custom_id: customId, method: 'POST', url: route, body });
}

/** What a line of an output or error file says of a request. */
export interface Result {
  readonly customId: string;
  readonly status: number;
  /** The answer, or the server's words about the error. */
  readonly body: unknown;
}

/** Where the server gave no status of its own: it ended the batch before it came to the request. */
const notDone = 503;

/** A line of an output or error file; undefined where it is none. */
export function resultOf(line: string): Result | undefined {
  const json = parsed(line);
  const customId = field(json, 'custom_id');
  if (typeof customId !== 'string') return undefined;
  const response = field(json, 'response');
  const error = field(json, 'error');
  const body = field(response, 'body');
  const status = Number(field(response, 'status_code'));
  if (error !== null && error !== undefined)
    return { customId, status: status >= 400 ? status : notDone, body: { error } };
  if (!Number.isInteger(status) || body === undefined || body === null) return undefined;
  return { customId, status, body };
}

/** The id in a line of an input, output or error file. */
export function customIdOf(line: string): string | undefined {
  const id = field(parsed(line), 'custom_id');
  return typeof id === 'string' ? id : undefined;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
