/** A typed array that doubles when it must; what it holds is kept, and its memory is used again. */
export class GrowingBuffer<View> {
  #buffer: ArrayBuffer;
  /** Over the whole buffer; a different object after `reserve` had to grow. */
  view: View;

  constructor(private readonly over: (buffer: ArrayBuffer) => View) {
    this.#buffer = new ArrayBuffer(1024);
    this.view = over(this.#buffer);
  }

  /** Makes room for this many bytes from the start. */
  reserve(bytes: number): void {
    if (bytes <= this.#buffer.byteLength) return;
    const larger = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
    new Uint8Array(larger).set(new Uint8Array(this.#buffer));
    this.#buffer = larger;
    this.view = this.over(larger);
  }
}

/** A bit for each value, as Arrow lays out validity and booleans. */
export class Bitmap {
  readonly #bits = new GrowingBuffer((buffer) => new Uint8Array(buffer));

  set(index: number, bit: boolean): void {
    this.#bits.reserve((index >> 3) + 1);
    const { view } = this.#bits;
    const mask = 1 << (index & 7);
    const byte = view[index >> 3] ?? 0;
    view[index >> 3] = bit ? byte | mask : byte & ~mask;
  }

  /** The bytes of the first `length` bits. */
  bytes(length: number): Uint8Array {
    return this.#bits.view.subarray(0, (length + 7) >> 3);
  }

  /** How many of the first `length` bits are 0. */
  zeros(length: number): number {
    let zeros = 0;
    for (let index = 0; index < length; index += 1) {
      if (((this.#bits.view[index >> 3] ?? 0) & (1 << (index & 7))) === 0) zeros += 1;
    }
    return zeros;
  }
}
