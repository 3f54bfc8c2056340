import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

import { concatMap, defer, finalize, type OperatorFunction } from 'rxjs';

import type { Absorbed, Outcome } from '../../operators/flow/outcome.js';
import { HeadwaterError } from '../../schemas/errors.js';
import type { ManifestEntry, Shard } from '../../schemas/shard.js';
import type { Tick } from '../../schemas/tick.js';
import { crashPoint } from '../crash-point.js';
import { cutTornLine, manifestName, readManifest } from './manifest-file.js';
import { syncFolder } from './shard-file.js';
import { removeReplaced } from './shard-folder.js';
import { storeError } from './store-error.js';

export interface ManifestOptions {
  /** The shard folder, which has the one manifest of all lanes. */
  readonly dir: string;
}

/**
 * Shards in, lines of the folder's manifest out, in the order of arrival.
 *
 * Each shard gets the next `seq`, without gaps, and is absorbed when its line is on the disk; a shard that the manifest has
 * is absorbed without a line, so a replay changes nothing. What a crash left of a last line is cut at the first shard;
 * files with samples of a shard under other names, as a crash left them, are removed when its line is written. One
 * operator a folder: run it on a topic of one partition. Ticks are absorbed. Memory: about 150 bytes a shard.
 *
 * Errors the stream with `HeadwaterError`: `store-full`, `store-unwritable`, `data-in-use` (somebody else appends),
 * `data-foreign` (the manifest names another shard's file by this path), or what `readManifest` says of a bad line.
 *
 * @example
 * ```ts
 * await lastValueFrom(shards.pipe(manifest({ dir: 'out' })));
 * ```
 */
export function manifest(options: ManifestOptions): OperatorFunction<Shard | Tick, Outcome<Shard | Tick, never>> {
  return (source) =>
    defer(() => {
      const log = new ManifestLog(options.dir);
      return source.pipe(
        concatMap((input) => log.take(input)),
        finalize(() => log.close()),
      );
    });
}

class ManifestLog {
  readonly #path: string;
  /** The shard ids by path: exactly what the file holds. */
  readonly #ids = new Map<string, string>();
  #file: FileHandle | undefined;
  #size = 0;
  #nextSeq = 0;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(private readonly dir: string) {
    this.#path = join(dir, manifestName);
  }

  take(input: Shard | Tick): Promise<Absorbed<Shard | Tick>> {
    const taken = this.#append(input).catch((error: unknown) => {
      throw storeError(this.#path, error);
    });
    this.#busy = taken.catch(() => undefined);
    return taken.then(() => ({ kind: 'absorbed', input }));
  }

  /** Closes the file after the line in progress. */
  close(): void {
    this.#busy = this.#busy.then(() => this.#file?.close());
  }

  async #append(input: Shard | Tick): Promise<void> {
    if (input.kind === 'tick') return;
    this.#file ??= await this.#open();
    if (this.#isListed(input)) return;
    if (await this.#hasGrown(this.#file)) {
      await this.#readEntries(this.#file);
      // Written by who had this partition before, and was not yet at its end.
      if (this.#isListed(input)) return;
      throw this.#inUse();
    }
    const entry: ManifestEntry = { ...input, kind: 'manifest-entry', seq: this.#nextSeq };
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    await removeReplaced(this.dir, input.path);
    crashPoint('manifest.line.before');
    await writeAt(this.#file, line, this.#size);
    await this.#file.sync();
    crashPoint('manifest.line.after');
    this.#size += line.length;
    this.#nextSeq += 1;
    this.#ids.set(input.path, input.id);
  }

  async #open(): Promise<FileHandle> {
    // Not to append: a worker that was asleep writes its line where its successor did, the same one.
    const file = await open(this.#path, constants.O_RDWR | constants.O_CREAT);
    try {
      await syncFolder(this.dir);
      await cutTornLine(file);
      await this.#readEntries(file);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #isListed(shard: Shard): boolean {
    const id = this.#ids.get(shard.path);
    if (id === undefined || id === shard.id) return id !== undefined;
    throw new HeadwaterError(
      'data-foreign',
      `${this.#path} has another shard at ${shard.path}: the folder is another run's; choose another shards.dir`,
    );
  }

  async #hasGrown(file: FileHandle): Promise<boolean> {
    return (await file.stat()).size !== this.#size;
  }

  async #readEntries(file: FileHandle): Promise<void> {
    this.#size = (await file.stat()).size;
    for await (const entry of readManifest(this.dir)) {
      this.#nextSeq = entry.seq + 1;
      this.#ids.set(entry.path, entry.id);
    }
  }

  #inUse(): HeadwaterError {
    return new HeadwaterError(
      'data-in-use',
      `somebody else wrote to ${this.#path}; run one pipeline on a shard folder, then start again`,
    );
  }
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
