import { z } from 'zod';

import { instant, open } from './record.js';

const partition = open({
  partition: z.int().nonnegative(),
  /** `restoring`: the memory of the stage comes back; no record goes in before that. */
  state: z.enum(['restoring', 'running']),
  /** Milliseconds that the memory took; null while it comes back. */
  restoreMs: z.number().nullable(),
  /** Places of the state topic that were read so far, and all that are there; null where that is not known, or over. */
  restored: z.int().nullable(),
  restoreTotal: z.int().nullable(),
  /** Records that were committed, over the last report interval. */
  recordsPerSecond: z.number(),
});

const stage = open({
  name: z.string(),
  /** Records inside operators, or waiting for their commit. */
  inFlight: z.int().nonnegative(),
  recordsPerSecond: z.number(),
  partitions: z.array(partition),
});

/** How a worker finds an address of a model: how many requests it may have open there, has open, and whether it answers. */
const endpoint = open({
  role: z.string(),
  url: z.string(),
  limit: z.number(),
  inFlight: z.int().nonnegative(),
  /** `out`: too many failures, so it is only tried now and then. `paused`: it asked to wait. */
  state: z.enum(['well', 'out', 'paused']),
});

/** What a worker, a process that runs some stages, says of itself every few seconds. */
export const workerReport = open({
  /** Unlike that of any other process, ever. */
  worker: z.string().min(1),
  host: z.string(),
  pid: z.int(),
  startedAt: instant(),
  at: instant(),
  /** The next report comes within this time, or the worker is silent. */
  everyMs: z.int().positive(),
  state: z.enum(['starting', 'running', 'waiting for broker', 'draining']),
  stages: z.array(stage),
  /** Of the models that it asks over HTTP. */
  endpoints: z.array(endpoint).optional(),
});

export type WorkerReport = z.infer<typeof workerReport>;
export type EndpointReport = Readonly<z.infer<typeof endpoint>>;
export type WorkerReportState = WorkerReport['state'];
