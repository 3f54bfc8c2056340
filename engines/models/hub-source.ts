import { type Dispatcher, fetch, type Response } from 'undici';

import type { HubPlace, ModelFile } from './catalogue.js';
import { type Opened, Refused, type Source } from './source.js';

const defaultEndpoint = 'https://huggingface.co';

export interface HubOptions {
  /** Another host with the same paths. @default $HF_ENDPOINT, or the hub itself */
  readonly endpoint?: string;
  /** How long the place may take for its first answer, and between two chunks six times as long. */
  readonly answerWithinMs: number;
  readonly dispatcher: Dispatcher;
}

/** Files of a hub repository over HTTP, resumed with ranges. */
export function hubSource(place: HubPlace, options: HubOptions): Source {
  const endpoint = options.endpoint ?? (process.env['HF_ENDPOINT'] || defaultEndpoint);
  return {
    place: `Hugging Face (${place.repository})`,
    async open(file, from, signal) {
      const path = place.paths[file.name];
      if (path === undefined) throw new Refused('it does not have this file');
      const url = new URL(`${place.repository}/resolve/${place.revision}/${path}`, `${endpoint.replace(/\/$/, '')}/`);
      return get(url, file, from, signal, options);
    },
  };
}

async function get(url: URL, file: ModelFile, from: number, signal: AbortSignal, options: HubOptions): Promise<Opened> {
  const silence = new AbortController();
  const both = AbortSignal.any([signal, silence.signal]);
  const response = await within(silence, options.answerWithinMs, () =>
    fetch(url, {
      dispatcher: options.dispatcher,
      signal: both,
      headers: { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) },
    }),
  ).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Refused(silence.signal.aborted ? didNotAnswer(options.answerWithinMs) : reasonOf(error));
  });
  if (response.status === 416 && from > 0) {
    await response.body?.cancel();
    return get(url, file, 0, signal, options);
  }
  const start = await startOf(response, file, from);
  return { from: start, chunks: chunksOf(response, silence, options.answerWithinMs * 6) };
}

/** The position of the first byte of an answer; refuses an answer that cannot be the file. */
async function startOf(response: Response, file: ModelFile, from: number): Promise<number> {
  const start = response.status === 206 ? rangeStart(response) : 0;
  const length = response.headers.get('content-length');
  const wrong =
    response.status !== 200 && response.status !== 206
      ? `it answered ${response.status}`
      : start !== 0 && start !== from
        ? 'it served another range than the one asked for'
        : length !== null && start + Number(length) !== file.bytes
          ? `its file has ${start + Number(length)} bytes instead of ${file.bytes}`
          : undefined;
  if (wrong === undefined) return start;
  await response.body?.cancel();
  throw new Refused(wrong);
}

function rangeStart(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

async function* chunksOf(
  response: Response,
  silence: AbortController,
  silentMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(silence, silentMs, () => reader.read());
      if (done) return;
      if (value instanceof Uint8Array) yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Aborts where a step takes too long. */
async function within<T>(controller: AbortController, milliseconds: number, step: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => controller.abort(new Error(didNotAnswer(milliseconds))), milliseconds);
  try {
    return await step();
  } finally {
    clearTimeout(timer);
  }
}

function didNotAnswer(milliseconds: number): string {
  return `it did not answer within ${milliseconds / 1000} s`;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return `it cannot be reached (${cause instanceof Error ? cause.message : String(cause)})`;
}
