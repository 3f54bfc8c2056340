import { setTimeout as wait } from 'node:timers/promises';

import { HeadwaterError } from '../../schemas/errors.js';
import type { ModelFile } from './catalogue.js';
import { PartialFile } from './partial-file.js';
import { Refused, type Source } from './source.js';

/** Breaks in a row, without a byte between them, after which a place is given up. */
const patience = 3;

export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /** Between two attempts after a break. */
  readonly retryMs: number;
  /** Bytes that are here, at each attempt and after each chunk. */
  readonly onBytes: (received: number) => void;
}

/**
 * Brings a file from one source to `target`, through the partial file at `partial`: goes on after a break, and gives it its
 * name only when size and SHA-256 are right. Rejects with `Refused` where the source cannot give it, with `store-full`,
 * `store-unwritable`, or with the signal's reason; what came is kept for the next attempt.
 */
export async function receive(
  source: Source,
  file: ModelFile,
  partial: string,
  target: string,
  options: ReceiveOptions,
): Promise<void> {
  const growing = await PartialFile.open(partial, file.bytes);
  let committed = false;
  try {
    let resumed = growing.size > 0;
    for (;;) {
      await fill(growing, source, file, options);
      if (growing.sha256 === file.sha256) break;
      const found = growing.sha256;
      await growing.restart();
      // Bytes of an earlier attempt may be to blame, so the place gets one more chance from the start.
      if (!resumed) throw new Refused(`its file has the SHA-256 ${found} instead of ${file.sha256}`);
      resumed = false;
    }
    committed = true;
    await growing.commit(target);
  } finally {
    if (!committed) await growing.close();
  }
}

/** Until the file has all its bytes. */
async function fill(growing: PartialFile, source: Source, file: ModelFile, options: ReceiveOptions): Promise<void> {
  let breaks = 0;
  let progressed = false;
  while (growing.size < file.bytes) {
    const before = growing.size;
    const ended = await attempt(growing, source, file, options);
    if (growing.size >= file.bytes) return;
    options.signal.throwIfAborted();
    const grew = growing.size > before;
    progressed ||= grew;
    breaks = grew ? 1 : breaks + 1;
    if (ended instanceof Refused && !progressed) throw ended;
    if (breaks >= patience) throw new Refused(`it broke off at byte ${growing.size}: ${messageOf(ended)}`);
    await wait(options.retryMs, undefined, { signal: options.signal });
  }
}

/** Takes what the source gives, and returns what ended it. */
async function attempt(
  growing: PartialFile,
  source: Source,
  file: ModelFile,
  options: ReceiveOptions,
): Promise<unknown> {
  try {
    options.onBytes(growing.size);
    const opened = await source.open(file, growing.size, options.signal);
    if (opened.from !== growing.size) await growing.restart();
    for await (const chunk of opened.chunks) {
      if (growing.size + chunk.byteLength > file.bytes) {
        await growing.restart();
        return new Refused(`its file is longer than ${file.bytes} bytes`);
      }
      await growing.append(chunk);
      options.onBytes(growing.size);
    }
    return new Error('it ended early');
  } catch (error) {
    if (error instanceof HeadwaterError) throw error;
    options.signal.throwIfAborted();
    return error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
