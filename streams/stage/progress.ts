/** How far one task is: what it has fetched, what is finished, what is being committed. Plain data; `step` moves it on. */
export interface Progress {
  /** Records of one input that may be fetched and not yet committed; in an `ordered` task, and not yet finished. */
  readonly credit: number;
  /** Bytes of one input that may be fetched and not yet committed. */
  readonly creditBytes: number;
  /** Commit in the order of completion, as operators with memory need; else only in the order of each input. */
  readonly ordered: boolean;
  readonly inputs: readonly InputProgress[];
  readonly committing: boolean;
  /** Set between a commit and the `due` event: then only what has `commitRecords` finished is committed. */
  readonly held: boolean;
  /** Finished records that are worth a commit before it is due; undefined where commits need not be spaced. */
  readonly commitRecords: number | undefined;
  /** `draining`: nothing more is fetched; `ended`: the operator will finish nothing more. */
  readonly phase: 'running' | 'draining' | 'ended' | 'stopped';
  /** The number that the next completion gets. */
  readonly completions: number;
}

export interface InputProgress {
  readonly topic: string;
  /** The offset to fetch from. */
  readonly next: number;
  readonly fetching: boolean;
  /** Fetched and not committed, by ascending offset. */
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly offset: number;
  readonly bytes: number;
  /** Its number in the order of completion; null while it is in flight. */
  readonly completion: number | null;
}

export interface Place {
  readonly topic: string;
  readonly offset: number;
}

export type ProgressEvent =
  | { readonly type: 'started' }
  | { readonly type: 'fetched'; readonly topic: string; readonly records: readonly { offset: number; bytes: number }[] }
  | { readonly type: 'finished'; readonly places: readonly Place[] }
  | { readonly type: 'committed'; readonly offsets: ReadonlyMap<string, number> }
  /** Enough time has passed since the last commit. */
  | { readonly type: 'due' }
  | { readonly type: 'drain' }
  | { readonly type: 'ended' };

export type Effect =
  | {
      readonly type: 'fetch';
      readonly topic: string;
      readonly from: number;
      readonly maxRecords: number;
      readonly maxBytes: number;
    }
  /** Everything below these offsets, by topic, is finished and not yet committed. */
  | { readonly type: 'commit'; readonly offsets: ReadonlyMap<string, number> }
  | { readonly type: 'stop' };

export interface Step {
  readonly progress: Progress;
  readonly effects: readonly Effect[];
}

const defaultCreditBytes = 64 * 2 ** 20;

/** A task that has fetched nothing, reading each topic from its committed offset. */
export function startOf(options: {
  readonly committed: ReadonlyMap<string, number>;
  readonly credit: number;
  readonly creditBytes?: number | undefined;
  readonly ordered: boolean;
  readonly commitRecords?: number | undefined;
}): Progress {
  const inputs = [...options.committed].map(([topic, next]) => ({ topic, next, fetching: false, entries: [] }));
  const { credit, creditBytes = defaultCreditBytes, ordered, commitRecords } = options;
  const idle = { committing: false, held: false, phase: 'running', completions: 0 } as const;
  return { credit, creditBytes, ordered, commitRecords, inputs, ...idle };
}

/**
 * What happens next in a task: a pure function. Fetches as far as credit allows, commits finished prefixes one commit at a
 * time (what finishes meanwhile goes with the next one), and stops when the operator has ended and all is committed.
 */
export function step(progress: Progress, event: ProgressEvent): Step {
  return decide(apply(progress, event));
}

function apply(progress: Progress, event: ProgressEvent): Progress {
  switch (event.type) {
    case 'started':
      return progress;
    case 'fetched':
      return { ...progress, inputs: mapInput(progress, event.topic, (input) => withFetched(input, event.records)) };
    case 'finished':
      return withFinished(progress, event.places);
    case 'committed':
      return {
        ...progress,
        committing: false,
        held: progress.commitRecords !== undefined,
        inputs: progress.inputs.map((input) => withoutBelow(input, event.offsets.get(input.topic) ?? 0)),
      };
    case 'due':
      return { ...progress, held: false };
    case 'drain':
      return progress.phase === 'running' ? { ...progress, phase: 'draining' } : progress;
    case 'ended':
      return progress.phase === 'stopped' ? progress : { ...progress, phase: 'ended' };
  }
}

function decide(progress: Progress): Step {
  if (progress.phase === 'stopped') return { progress, effects: [] };
  const effects: Effect[] = [];
  let { committing, inputs } = progress;
  let phase: Progress['phase'] = progress.phase;
  if (phase === 'running') {
    inputs = inputs.map((input) => {
      const fetch = fetchFor(progress, input);
      if (fetch === undefined) return input;
      effects.push(fetch);
      return { ...input, fetching: true };
    });
  }
  if (!committing) {
    const offsets = committable(progress);
    if (offsets.size > 0 && !waits(progress, offsets)) {
      effects.push({ type: 'commit', offsets });
      committing = true;
    }
  }
  if (phase === 'ended' && !committing) {
    effects.push({ type: 'stop' });
    phase = 'stopped';
  }
  return { progress: { ...progress, inputs, committing, phase }, effects };
}

/**
 * In an ordered task a finished record may wait for one that has not been fetched yet, so it must not hold its place; bytes bound
 * these.
 */
function taken(ordered: boolean, { entries }: InputProgress): number {
  return ordered ? entries.filter(({ completion }) => completion === null).length : entries.length;
}

/** A fetch waits until a quarter of the credit is free, so that batches stay worth their cost. */
function fetchFor({ credit, creditBytes, ordered }: Progress, input: InputProgress): Effect | undefined {
  const free = credit - taken(ordered, input);
  if (input.fetching || free < Math.ceil(credit / 4)) return undefined;
  const freeBytes = creditBytes - input.entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (freeBytes <= 0) return undefined;
  return { type: 'fetch', topic: input.topic, from: input.next, maxRecords: free, maxBytes: freeBytes };
}

/** Whether a commit waits until it is due: not where much is finished, nor at the end. */
function waits({ held, phase, commitRecords = 0, inputs }: Progress, offsets: ReadonlyMap<string, number>): boolean {
  if (!held || phase === 'ended') return false;
  const below = ({ topic, entries }: InputProgress) => {
    const end = offsets.get(topic) ?? 0;
    return entries.filter(({ offset }) => offset < end).length;
  };
  return inputs.reduce((sum, input) => sum + below(input), 0) < commitRecords;
}

/** The offsets up to which each input may be committed now; an input is left out where there is nothing new. */
function committable({ inputs, ordered, completions }: Progress): ReadonlyMap<string, number> {
  const limit = ordered ? completionLimit(inputs, completions) : completions;
  const offsets = new Map<string, number>();
  for (const { topic, entries } of inputs) {
    const last = entries[prefixLength(entries, limit) - 1];
    if (last !== undefined) offsets.set(topic, last.offset + 1);
  }
  return offsets;
}

/** The largest number such that all completions below it lie in prefixes of their inputs. */
function completionLimit(inputs: readonly InputProgress[], completions: number): number {
  let limit = completions;
  for (let before = -1; before !== limit; ) {
    before = limit;
    for (const { entries } of inputs) {
      for (let i = prefixLength(entries, limit); i < entries.length; i++) {
        const completion = entries[i]?.completion ?? null;
        if (completion !== null && completion < limit) limit = completion;
      }
    }
  }
  return limit;
}

function prefixLength(entries: readonly Entry[], limit: number): number {
  const end = entries.findIndex((entry) => entry.completion === null || entry.completion >= limit);
  return end === -1 ? entries.length : end;
}

function withFetched(input: InputProgress, records: readonly { offset: number; bytes: number }[]): InputProgress {
  const fetched = records.map(({ offset, bytes }) => ({ offset, bytes, completion: null }));
  const last = fetched[fetched.length - 1];
  const next = last === undefined ? input.next : last.offset + 1;
  return { ...input, next, fetching: false, entries: [...input.entries, ...fetched] };
}

function withFinished(progress: Progress, places: readonly Place[]): Progress {
  let { completions } = progress;
  const numbers = new Map<string, Map<number, number>>();
  for (const { topic, offset } of places) {
    const byOffset = numbers.get(topic) ?? new Map<number, number>();
    numbers.set(topic, byOffset.set(offset, completions++));
  }
  const inputs = progress.inputs.map((input) => {
    const byOffset = numbers.get(input.topic);
    if (byOffset === undefined) return input;
    const entries = input.entries.map((entry) => {
      const completion = byOffset.get(entry.offset);
      return completion === undefined || entry.completion !== null ? entry : { ...entry, completion };
    });
    return { ...input, entries };
  });
  return { ...progress, inputs, completions };
}

function withoutBelow(input: InputProgress, offset: number): InputProgress {
  const start = input.entries.findIndex((entry) => entry.offset >= offset);
  return { ...input, entries: start === -1 ? [] : input.entries.slice(start) };
}

function mapInput(progress: Progress, topic: string, change: (input: InputProgress) => InputProgress) {
  return progress.inputs.map((input) => (input.topic === topic ? change(input) : input));
}
