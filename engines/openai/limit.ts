/**
 * How many requests may be open at a server that says nothing about it: a pure search for the knee of its latency.
 *
 * What counts is whether more requests at once bring more answers a second. A server that batches gets slower with each request
 * and yet answers more of them, so latency alone must not cut; a full one answers no more, and a collapsing one fewer. With `n`
 * requests open and latency `l` the throughput is `n / l`: it grows while `l` grows by less than `n` does.
 *
 * `start` doubles while that pays, compared with the last limit and with what latency is without load: beyond a collapse latency
 * may be level again. Then windows of answers at the limit alternate with windows a step above, or below where
 * latency has risen since the least limit seen; a step that pays is kept and the next is twice as large, one that does not is
 * taken back and the next waits longer (up to sixteen windows). Medians, so one answer in twenty may be slow. 429 and 503 beyond
 * one for five requests that were taken cut the limit by three tenths, once for all that were sent before the cut; then it grows by one each
 * time that as many requests were taken, until it is where it was cut.
 *
 * Requests are told apart by the order in which they were sent, so no clock is needed. A window that did not use the whole limit
 * changes nothing. Keeps at most 256 numbers.
 */
export interface LimitState {
  readonly limit: number;
  readonly least: number;
  readonly most: number;
  readonly phase: 'start' | 'rest' | 'up' | 'down' | 'recover' | 'fixed';
  /** Requests sent so far, which is the number of the next one. */
  readonly sent: number;
  /** The first request that was sent under this limit. */
  readonly since: number;
  /** Latencies of this window, newest first. */
  readonly window: Latencies | undefined;
  readonly answers: number;
  /** Whether the window saw as many requests open as the limit lets. */
  readonly full: boolean;
  /** The limit that is known to pay, with its latency. */
  readonly known: Measured | undefined;
  /** The least limit that was measured, with its latency. */
  readonly lowest: Measured | undefined;
  /** The share by which the next step changes the limit. */
  readonly stride: number;
  /** Windows to rest before the next step, and after the next one that does not pay. */
  readonly hold: number;
  readonly rest: number;
  readonly next: 'up' | 'down';
  /** Refusals that do not cut. */
  readonly allowance: number;
  /** The first request that was sent after the last cut, and the limit before it. */
  readonly cutSince: number;
  readonly cutFrom: number;
}

export interface Measured {
  readonly limit: number;
  readonly latencyMs: number;
}

interface Latencies {
  readonly latencyMs: number;
  readonly before: Latencies | undefined;
}

export interface LimitBounds {
  readonly kind: 'adaptive' | 'fixed';
  readonly min: number;
  readonly max: number;
}

/** `request` is what `sent` was when the request was. */
export type LimitEvent =
  | { readonly kind: 'sent'; readonly inFlight: number }
  | { readonly kind: 'answered'; readonly request: number; readonly latencyMs: number }
  /** It failed, but not for too many requests. */
  | { readonly kind: 'taken'; readonly request: number }
  /** By 429 or 503. */
  | { readonly kind: 'refused'; readonly request: number };

const firstLimit = 16;
const firstStride = 1 / 8;
const longestRest = 16;
const cut = 0.7;
const takenForOneRefusal = 5;
/** Exponents of the growth in latency beyond which more requests do not pay, and from which fewer do. */
const higherPays = 0.65;
const lowerPays = 0.8;
const clearlyFaster = 0.8;
/** By what the latency without load is raised when fewer requests turn out to be no faster. */
const forgotten = 1.2;
/** Latency over that of the least limit from which a lower limit is worth a try. */
const risen = 1.15;
/** Latency over the last window's at the same limit from which the server is taken for another. */
const changed = 1.5;

/** The state before the first request; `fixed` keeps the greatest limit whatever happens. */
export function initialLimit({ kind, min, max }: LimitBounds): LimitState {
  const limit = kind === 'fixed' ? max : Math.max(min, Math.min(firstLimit, max));
  return {
    limit,
    least: min,
    most: max,
    phase: kind === 'fixed' ? 'fixed' : 'start',
    sent: 0,
    // The first generation also pays for connections, and for code that is not warm.
    since: limit,
    window: undefined,
    answers: 0,
    full: false,
    known: undefined,
    lowest: undefined,
    stride: firstStride,
    hold: 0,
    rest: 1,
    next: 'up',
    allowance: 0,
    cutSince: 0,
    cutFrom: max,
  };
}

/** The state after an event. */
export function step(state: LimitState, event: LimitEvent): LimitState {
  switch (event.kind) {
    case 'sent':
      return { ...state, sent: state.sent + 1, full: state.full || event.inFlight >= state.limit };
    case 'answered':
      return state.phase === 'fixed' ? state : answered(taken(state, event.request), event.request, event.latencyMs);
    case 'taken':
      return state.phase === 'fixed' ? state : taken(state, event.request);
    case 'refused':
      return state.phase === 'fixed' ? state : refused(state, event.request);
  }
}

/** A request was not refused: a refusal more is allowed, and after a cut the limit recovers. */
function taken(state: LimitState, request: number): LimitState {
  const allowance = Math.min(2 + state.limit / 8, state.allowance + 1 / takenForOneRefusal);
  if (state.phase !== 'recover' || request < state.since) {
    return allowance === state.allowance ? state : { ...state, allowance };
  }
  return recovering({ ...state, allowance, answers: state.answers + 1 });
}

/** One more each time that as many requests as the limit were taken. */
function recovering(state: LimitState): LimitState {
  const { limit, answers, full, cutFrom } = state;
  if (answers < limit) return state;
  if (!full) return { ...state, answers: 0 };
  if (limit + 1 >= cutFrom) return { ...state, ...emptied(state), phase: 'rest' };
  return { ...state, limit: limit + 1, answers: 0, full: false };
}

function answered(state: LimitState, request: number, latencyMs: number): LimitState {
  if (state.phase === 'recover' || request < state.since || !(latencyMs > 0)) return state;
  const window = { latencyMs, before: state.window };
  const heard = { ...state, window, answers: state.answers + 1 };
  if (heard.answers < windowLength(state)) return heard;
  if (!state.full) return { ...heard, ...emptied(state) };
  return measured({ ...heard, ...emptied(state) }, { limit: state.limit, latencyMs: medianOf(window) });
}

/** About one generation of requests; the doubling can do with half of one. */
function windowLength({ phase, limit }: LimitState): number {
  return phase === 'start' ? between(8, Math.ceil(limit / 2), 128) : between(16, limit, 256);
}

function refused(state: LimitState, request: number): LimitState {
  if (request < state.cutSince) return state;
  if (state.allowance >= 1) return { ...state, allowance: state.allowance - 1 };
  const limit = Math.max(state.least, Math.floor(state.limit * cut));
  const ended = { phase: 'recover', known: undefined, stride: firstStride, hold: 0, rest: 1, next: 'up' } as const;
  return { ...at(state, limit), ...ended, allowance: 0, cutSince: state.sent, cutFrom: state.limit };
}

function measured(state: LimitState, now: Measured): LimitState {
  const seen = { ...state, lowest: lowestOf(state.lowest, now) };
  const { known, lowest } = seen;
  if (state.phase === 'rest' || known === undefined) return rested(seen, now);
  if (state.phase === 'down') {
    if (growth(known, now) <= (now.limit / known.limit) ** lowerPays) return kept(seen, now);
    // Fewer requests are no faster, so the latency of the past may not come back.
    const latencyMs = Math.max(lowest.latencyMs, Math.min(now.latencyMs, forgotten * lowest.latencyMs));
    return takenBack({ ...seen, lowest: { limit: lowest.limit, latencyMs } }, known);
  }
  const pays = growsBy(known, now) && growsBy(lowest, now);
  return pays ? kept(seen, now) : takenBack(seen, known);
}

/** What latency is without load: at the least limit, or at one that was clearly faster than it. */
function lowestOf(lowest: Measured | undefined, now: Measured): Measured {
  if (lowest === undefined || now.limit <= lowest.limit || now.latencyMs < clearlyFaster * lowest.latencyMs) return now;
  return lowest;
}

function growsBy(from: Measured, to: Measured): boolean {
  return growth(from, to) <= Math.max(1, to.limit / from.limit) ** higherPays;
}

function growth(from: Measured, to: Measured): number {
  return to.latencyMs / from.latencyMs;
}

/** A window at a limit that was not tried against another: the next step is taken, or more rest. */
function rested(state: LimitState, now: Measured): LimitState {
  const { known } = state;
  const other = known?.limit === now.limit && now.latencyMs > changed * known.latencyMs;
  const resting: LimitState = {
    ...state,
    known: now,
    ...(other ? { hold: 0, rest: 1, next: 'down' as const } : { hold: Math.max(0, state.hold - 1) }),
  };
  if (state.phase === 'start') return stepped(resting, 'up');
  return state.hold > 0 && !other ? resting : stepped(resting, resting.next);
}

/** The limit that was tried pays, so the next step goes on from it. */
function kept(state: LimitState, known: Measured): LimitState {
  const goingOn: LimitState = { ...state, known, rest: 1 };
  if (state.phase === 'start') {
    if (state.limit < state.most) return stepped(goingOn, 'up');
    // Half a generation, sent while the limit was being filled, says too little to go on from.
    return { ...at(state, state.limit), phase: 'rest', known: undefined };
  }
  if (state.phase === 'down') return stepped({ ...goingOn, stride: Math.min(0.5, 2 * state.stride) }, 'down');
  return stepped({ ...goingOn, stride: Math.min(1, 2 * state.stride) }, 'up');
}

function takenBack(state: LimitState, known: Measured): LimitState {
  const next = state.phase === 'down' ? 'up' : 'down';
  const rest = Math.min(longestRest, 2 * state.rest);
  return { ...at(state, known.limit), phase: 'rest', stride: firstStride, hold: state.rest, rest, next };
}

/** Tries a limit in the direction asked for, or in the other where that one has no sense. */
function stepped(state: LimitState, direction: 'up' | 'down'): LimitState {
  const { limit, least, most, known, lowest, stride } = state;
  if (state.phase === 'start' && limit < most) return at(state, Math.min(most, 2 * limit));
  const lower = known !== undefined && lowest !== undefined && worthLowering(known, lowest);
  const by = (going: 'up' | 'down') => Math.max(1, Math.round(limit * (going === direction ? stride : firstStride)));
  const up = limit < most ? ({ phase: 'up', limit: Math.min(most, limit + by('up')) } as const) : undefined;
  const down =
    limit > least && lower ? ({ phase: 'down', limit: Math.max(least, limit - by('down')) } as const) : undefined;
  const taken = direction === 'up' ? (up ?? down) : (down ?? up);
  if (taken === undefined) return { ...state, phase: 'rest', stride: firstStride };
  const turned = taken.phase === direction ? stride : firstStride;
  return { ...at(state, taken.limit), phase: taken.phase, stride: turned };
}

function worthLowering(known: Measured, lowest: Measured): boolean {
  return known.limit <= lowest.limit || known.latencyMs > risen * lowest.latencyMs;
}

function at(state: LimitState, limit: number): LimitState {
  return { ...state, ...emptied(state), limit };
}

function emptied({ sent }: LimitState) {
  return { since: sent, window: undefined, answers: 0, full: false };
}

function medianOf(latencies: Latencies): number {
  const values: number[] = [];
  for (let one: Latencies | undefined = latencies; one !== undefined; one = one.before) values.push(one.latencyMs);
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
