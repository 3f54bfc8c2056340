import type { IncomingHttpHeaders } from 'node:http';

/**
 * Milliseconds that a refusal asks to wait from `now` on: by `retry-after-ms`, which OpenAI's own clients prefer, or by `retry-after`
 * (seconds or an HTTP date); undefined where neither can be read.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const exact = headers['retry-after-ms'];
  if (typeof exact === 'string' && isNumber(exact)) return Number(exact);
  const text = headers['retry-after']?.trim();
  if (text === undefined) return undefined;
  if (isNumber(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function isNumber(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text.trim());
}
