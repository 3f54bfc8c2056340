import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

import { parseJson } from '../../schemas/codec.js';
import { HeadwaterError } from '../../schemas/errors.js';
import { type ManifestEntry, manifestEntrySchema } from '../../schemas/shard.js';

/** The file of a shard folder that lists its shards, a JSON object a line. */
export const manifestName = 'manifest.jsonl';

const newline = 10;

/**
 * The entries of a folder's manifest in their order; none where there is no manifest.
 *
 * A last line without its end is not read: it is being written, or was torn by a crash. Rejects with `HeadwaterError` with
 * code `record-undecodable` or `record-invalid` naming the line. Memory: one line.
 */
export async function* readManifest(dir: string): AsyncGenerator<ManifestEntry> {
  const path = join(dir, manifestName);
  let number = 0;
  for await (const line of lines(path)) {
    number += 1;
    yield parseEntry(line, `${path}, line ${number}`);
  }
}

/** Cuts what a crash left of a last line; the length that remains. */
export async function cutTornLine(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const block = Buffer.alloc(64 * 1024);
  let kept = size;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    await file.read(block, 0, end - start, start);
    const last = block.subarray(0, end - start).lastIndexOf(newline);
    kept = last === -1 ? 0 : start + last + 1;
    if (last !== -1) break;
    end = start;
  }
  if (kept < size) {
    await file.truncate(kept);
    await file.sync();
  }
  return kept;
}

function parseEntry(line: Uint8Array, place: string): ManifestEntry {
  try {
    return manifestEntrySchema.parse(parseJson(line));
  } catch (error) {
    if (error instanceof HeadwaterError) throw new HeadwaterError(error.code, `${place}: ${error.message}`);
    throw error;
  }
}

/** The bytes of each line that has an end. */
async function* lines(path: string): AsyncGenerator<Uint8Array> {
  const handle = await openIfThere(path);
  if (handle === undefined) return;
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of createReadStream(path, { fd: handle })) {
    const bytes: Buffer = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new HeadwaterError('input-unreadable', `cannot read ${path}`, { cause: error });
  }
}
