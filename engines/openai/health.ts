import type { Failure } from './failure.js';

/**
 * Whether one of several endpoints is asked: a pure state.
 *
 * Five failures in a row, or one that says that no model is there, put it out for a second; then one request tries it, and each
 * try that fails doubles the pause, up to a minute. An answer brings it back, whenever the request was sent.
 */
export type Health =
  | { readonly kind: 'well'; readonly failures: number; readonly outAt: number }
  | {
      readonly kind: 'out';
      readonly outAt: number;
      readonly until: number;
      readonly pauseMs: number;
    }
  /** One request is on its way to learn whether it is back. */
  | { readonly kind: 'tried'; readonly outAt: number; readonly pauseMs: number };

/** Times are in milliseconds of any clock. */
export type HealthEvent =
  | { readonly kind: 'answered' }
  /** `sentAt` is when the request was sent. */
  | { readonly kind: 'failed'; readonly at: number; readonly sentAt: number; readonly failure: Failure }
  /** A request is sent while it is out. */
  | { readonly kind: 'sent' }
  /** A request was given up for reasons of its own. */
  | { readonly kind: 'left'; readonly at: number };

const failuresInARow = 5;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

export const well: Health = { kind: 'well', failures: 0, outAt: Number.NEGATIVE_INFINITY };

/** The state after an event. */
export function health(state: Health, event: HealthEvent): Health {
  switch (event.kind) {
    case 'answered':
      return state.kind === 'well' && state.failures === 0 ? state : { ...well, outAt: state.outAt };
    case 'sent':
      return state.kind === 'out' ? { kind: 'tried', outAt: state.outAt, pauseMs: state.pauseMs } : state;
    case 'left':
      // Nobody knows whether it is back, so the next request tries it.
      return state.kind === 'tried' ? { ...state, kind: 'out', until: event.at } : state;
    case 'failed':
      return failed(state, event.at, event.sentAt, event.failure);
  }
}

/** When a request may be sent: the past where one may be now, infinity while another tries it. */
export function openFrom(state: Health): number {
  if (state.kind === 'well') return Number.NEGATIVE_INFINITY;
  return state.kind === 'out' ? state.until : Number.POSITIVE_INFINITY;
}

/** Whether it is the endpoint that failed, and not the request. */
export function blamesEndpoint(failure: Failure): boolean {
  return failure.retriable ? failure.status !== 429 && failure.status !== 409 : failure.misplaced;
}

function failed(state: Health, at: number, sentAt: number, failure: Failure): Health {
  // What was sent before it was put out tells nothing new.
  if (!blamesEndpoint(failure) || sentAt <= state.outAt) return state;
  if (state.kind === 'well') {
    const failures = state.failures + 1;
    if (failures < failuresInARow && !failure.misplaced) return { ...state, failures };
    return out(at, firstPauseMs);
  }
  return out(at, Math.min(longestPauseMs, 2 * state.pauseMs));
}

function out(at: number, pauseMs: number): Health {
  return { kind: 'out', outAt: at, until: at + pauseMs, pauseMs };
}
