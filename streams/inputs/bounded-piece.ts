/** Bytes that a dead letter shows of a piece that is too long. */
const keptBytes = 64 * 1024;

/** Collects the bytes of one line or element up to a limit; beyond it only the start is held, however much comes. */
export class BoundedPiece {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(readonly maxBytes: number) {}

  get empty(): boolean {
    return this.#bytes === 0;
  }

  add(part: Uint8Array): void {
    const tooLongBefore = this.#bytes > this.maxBytes;
    this.#bytes += part.byteLength;
    if (tooLongBefore || part.byteLength === 0) return;
    this.#parts.push(part);
    // A copy, so that the chunk which the parts are views of can be freed.
    if (this.#bytes > this.maxBytes) this.#parts = [Uint8Array.from(Buffer.concat(this.#parts).subarray(0, keptBytes))];
  }

  /** The bytes so far, and an empty piece from here on. */
  take(): { readonly bytes: Uint8Array; readonly tooLong: boolean } {
    const taken = { bytes: joined(this.#parts), tooLong: this.#bytes > this.maxBytes };
    this.#parts = [];
    this.#bytes = 0;
    return taken;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
