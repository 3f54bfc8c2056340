import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Token } from 'node-llama-cpp';

const maxSightings = 4096;

/** Evaluated starts of prompts as files in a temporary folder: the last used ones, by the hash of their tokens. */
export class PrefixStates {
  readonly #folder: string;
  readonly #limit: number;
  /** Least recently used first. */
  readonly #files = new Map<string, string>();
  /** How often a start was seen; oldest first, bounded. */
  readonly #sightings = new Map<string, number>();
  #written = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#folder = mkdtempSync(join(tmpdir(), 'headwater-llama-'));
    process.once('exit', this.#remove);
  }

  /** The keys of the starts of a prompt that end at `ends` (ascending); each is counted as seen once more. */
  sight(tokens: readonly Token[], ends: readonly number[]): readonly string[] {
    const hash = createHash('sha256');
    let from = 0;
    return ends.map((end) => {
      hash.update(Uint32Array.from(tokens.slice(from, end)));
      from = end;
      const key = `${end}-${hash.copy().digest('hex')}`;
      const count = (this.#sightings.get(key) ?? 0) + 1;
      this.#sightings.delete(key);
      this.#sightings.set(key, count);
      for (const oldest of this.#sightings.keys()) {
        if (this.#sightings.size <= maxSightings) break;
        this.#sightings.delete(oldest);
      }
      return key;
    });
  }

  seen(key: string): number {
    return this.#sightings.get(key) ?? 0;
  }

  has(key: string): boolean {
    return this.#files.has(key);
  }

  /** The file with the state of a start, which becomes the last used. */
  get(key: string): string | undefined {
    const file = this.#files.get(key);
    if (file === undefined) return undefined;
    this.#files.delete(key);
    this.#files.set(key, file);
    return file;
  }

  /** Keeps a state that `write` puts into the file it is given; the least recently used one goes. */
  async put(key: string, write: (file: string) => Promise<unknown>): Promise<void> {
    const file = join(this.#folder, `${this.#written++}.state`);
    await write(file);
    this.#files.set(key, file);
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= this.#limit) break;
      await this.drop(oldest);
    }
  }

  async drop(key: string): Promise<void> {
    const file = this.#files.get(key);
    this.#files.delete(key);
    if (file !== undefined) await rm(file, { force: true });
  }

  close(): void {
    process.off('exit', this.#remove);
    this.#remove();
  }

  readonly #remove = (): void => rmSync(this.#folder, { recursive: true, force: true });
}
