import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

import { HeadwaterError } from '../../schemas/errors.js';

/** The bytes of a text file, unpacked where its name ends in `.gz`. Throws `input-unreadable` where they are not text. */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array, void, void> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  const unpacked = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // A pipe does not pass errors on.
  file.on('error', (error) => unpacked.destroy(error));
  try {
    yield* textBytes(unpacked, path);
  } catch (cause) {
    if (cause instanceof HeadwaterError) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new HeadwaterError('input-unreadable', `${path} cannot be read: ${what}`, { cause });
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

/** Chunks as they come, refused where the first of them is not UTF-8 text. */
export async function* textBytes(
  chunks: AsyncIterable<Uint8Array | string>,
  name: string,
): AsyncGenerator<Uint8Array, void, void> {
  let first = true;
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (first) refuseBinary(bytes, name);
    first = false;
    yield bytes;
  }
}

function refuseBinary(bytes: Uint8Array, name: string): void {
  const start = bytes.subarray(0, 8192);
  const utf16 = (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  if (utf16) throw new HeadwaterError('input-unreadable', `${name} is UTF-16 text: save it as UTF-8`);
  if (start.includes(0)) {
    const expected = 'expected JSONL, JSON, CSV, TSV or plain text, or a Parquet file called *.parquet';
    throw new HeadwaterError('input-unreadable', `${name} is a binary file: ${expected}`);
  }
}
