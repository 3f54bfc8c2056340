import { z } from 'zod';

import { type ErrorCode, errorCodes } from '../../schemas/errors.js';

const errorCode = z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(errorCodes, code));

/** What a worker tells the process that supervises it. */
export const workerMessage = z.discriminatedUnion('type', [
  /** A group of which it became a member, and the name that the brokers know it by. */
  z.object({ type: z.literal('member'), group: z.string(), memberId: z.string() }),
  /** The name in its reports. */
  z.object({ type: z.literal('worker'), worker: z.string() }),
  /** Why it is not at work on all that it holds; null when it is. */
  z.object({ type: z.literal('obstacle'), reason: z.string().nullable() }),
  /** What ends it, for a person. */
  z.object({ type: z.literal('failed'), code: errorCode, message: z.string() }),
]);
export type WorkerMessage = z.infer<typeof workerMessage>;

/** Set in the environment of workers. */
export const supervisedVariable = 'HEADWATER_SUPERVISED';

/** How a worker speaks to its supervisor. */
export interface Supervision {
  tell(message: WorkerMessage): void;
}

let found: Supervision | null | undefined;

/** Of this process, where `headwater run --workers` started it. A worker whose supervisor dies stops as at Ctrl-C. */
export function supervision(): Supervision | undefined {
  found ??= connected();
  return found ?? undefined;
}

function connected(): Supervision | null {
  if (process.env[supervisedVariable] === undefined || process.send === undefined) return null;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Waiting for the supervisor's death must not keep a worker alive that is done.
  process.channel?.unref();
  return {
    tell: (message) => {
      if (process.connected) process.send?.(message, undefined, {}, () => undefined);
    },
  };
}
