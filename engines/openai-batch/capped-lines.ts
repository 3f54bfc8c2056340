/** The lines of a stream of bytes, UTF-8; one longer than `maxBytes` comes as undefined, and is never kept whole. */
export async function* cappedLines(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string | undefined, void, undefined> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const add = (piece: Uint8Array) => {
    bytes += piece.byteLength;
    if (bytes > maxBytes) parts = [];
    else parts.push(piece);
  };
  const take = () => {
    const line = bytes > maxBytes ? undefined : Buffer.concat(parts).toString('utf8');
    parts = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    if (from < chunk.byteLength) add(chunk.subarray(from));
  }
  if (bytes > 0) yield take();
}
