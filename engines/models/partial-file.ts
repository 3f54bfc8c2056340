import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

import { storeError } from './model-cache.js';

const readBytes = 1 << 20;

/** A download that grows at its end, hashed while it is written, and that outlives a break. */
export class PartialFile {
  #hash: Hash = createHash('sha256');
  #size = 0;

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /** Opens what an earlier pull left, or a new file. Rejects with `store-full` or `store-unwritable`. */
  static async open(path: string, bytes: number): Promise<PartialFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644).catch((error: unknown) => {
      throw storeError(error, path);
    });
    const partial = new PartialFile(path, handle);
    await partial.#takeUp(bytes);
    return partial;
  }

  /** Bytes that are here. */
  get size(): number {
    return this.#size;
  }

  /** SHA-256 of the bytes that are here. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  async append(chunk: Uint8Array): Promise<void> {
    try {
      let written = 0;
      while (written < chunk.byteLength) {
        const { bytesWritten } = await this.handle.write(
          chunk,
          written,
          chunk.byteLength - written,
          this.#size + written,
        );
        written += bytesWritten;
      }
    } catch (error) {
      throw storeError(error, this.path);
    }
    this.#hash.update(chunk);
    this.#size += chunk.byteLength;
  }

  /** Forgets the bytes that are here. */
  async restart(): Promise<void> {
    await this.handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#size = 0;
  }

  /** Makes the bytes durable, closes, and gives the file its name. */
  async commit(target: string): Promise<void> {
    try {
      await this.handle.sync();
      await this.handle.close();
      await rename(this.path, target);
      await syncFolder(dirname(target));
    } catch (error) {
      throw storeError(error, target);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  async #takeUp(bytes: number): Promise<void> {
    const { size } = await this.handle.stat();
    if (size > bytes) return this.restart();
    const buffer = Buffer.allocUnsafe(readBytes);
    while (this.#size < size) {
      const { bytesRead } = await this.handle.read(buffer, 0, readBytes, this.#size);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#size += bytesRead;
    }
  }
}

/** So that the new name survives a power loss; Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
