import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync, unlinkSync, write } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { crashPoint } from '../crash-point.js';
import { storeError } from './store-error.js';

const writeAt = promisify(write);
const sync = promisify(fsync);

/**
 * A file that is written under a temporary name, hashed on the way, and seen under its own name only when it is durable.
 *
 * One call at a time. Every call fails with `HeadwaterError` with code `store-full` or `store-unwritable`.
 */
export class ShardFile {
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #open = true;
  #working = false;

  private constructor(
    private readonly dir: string,
    /** Where it lies until it is published. */
    readonly temporaryPath: string,
    private readonly descriptor: number,
  ) {}

  /** Creates it in `dir` as `.PREFIX-RANDOM.partial`, which readers of a folder pass over. */
  static create(dir: string, prefix: string): ShardFile {
    const path = join(dir, `.${prefix}-${randomBytes(4).toString('hex')}.partial`);
    try {
      return new ShardFile(dir, path, openSync(path, 'wx'));
    } catch (error) {
      throw storeError(path, error);
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    await this.#work(async () => {
      for (let start = 0; start < chunk.byteLength; ) {
        const { bytesWritten } = await writeAt(this.descriptor, chunk, start, chunk.byteLength - start, this.#bytes);
        start += bytesWritten;
        this.#bytes += bytesWritten;
      }
    });
  }

  /** Brings what was written to the disk; the SHA-256 of it all, in hexadecimal. */
  async seal(): Promise<string> {
    await this.#work(() => sync(this.descriptor));
    this.#close();
    return this.#hash.digest('hex');
  }

  /** Gives the sealed file its name, over a file that has it; resolves when a crash can no longer undo it. */
  async publish(name: string): Promise<void> {
    const path = join(this.dir, name);
    try {
      crashPoint('shard.rename.before');
      await rename(this.temporaryPath, path);
      crashPoint('shard.rename.after');
      await syncFolder(this.dir);
    } catch (error) {
      throw storeError(path, error);
    }
  }

  /** Removes a file that was not published; a call in progress still ends, into nothing. */
  discard(): void {
    try {
      unlinkSync(this.temporaryPath);
    } catch {
      // Gone already, or its disk is: there is nothing more to do for it.
    }
    if (!this.#working) this.#close();
    this.#open = false;
  }

  async #work(call: () => Promise<unknown>): Promise<void> {
    if (!this.#open) throw new Error(`the file ${this.temporaryPath} is closed`);
    this.#working = true;
    try {
      await call();
    } catch (error) {
      throw storeError(this.temporaryPath, error);
    } finally {
      this.#working = false;
      // It was discarded meanwhile, when the descriptor was in use.
      if (!this.#open) closeSync(this.descriptor);
    }
  }

  #close(): void {
    if (this.#open) closeSync(this.descriptor);
    this.#open = false;
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
