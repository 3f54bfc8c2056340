import { crc32c } from './crc32c.js';

/** What kafkajs asks brokers to write. */
export interface ProduceOptions {
  readonly acks?: number;
  readonly timeout?: number;
  readonly transactionalId?: string | null | undefined;
  readonly producerId?: unknown;
  readonly producerEpoch?: number;
  readonly compression?: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly PartitionData[];
  }[];
}

interface PartitionData {
  readonly partition: number;
  readonly firstSequence?: number;
  readonly messages: readonly ProducedMessage[];
}

export interface ProducedMessage {
  readonly key?: string | Buffer | null | undefined;
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly timestamp?: string | undefined;
}

/** Of a request: acks, timeout and the number of topics. */
const requestHeadBytes = 10;
/** Of a record batch, up to its records: lengths, epoch, magic, sum, attributes, offsets, times, producer, count. */
const batchHeadBytes = 61;
/** Where its sum stands, and what it is taken of begins. */
const crcAt = 17;
const summedFrom = 21;
const magic = 2;
const transactional = 16;

/** Whether a request can be written here: without compression, each header one text or buffer. */
export function isDirect({ compression = 0, topicData }: ProduceOptions): boolean {
  return (
    compression === 0 &&
    topicData.every(({ partitions }) =>
      partitions.every(({ messages }) => messages.every(({ headers }) => hasPlainHeaders(headers))),
    )
  );
}

function hasPlainHeaders(headers: ProducedMessage['headers'] = {}): boolean {
  for (const name in headers) {
    const value = headers[name];
    if (typeof value !== 'string' && !Buffer.isBuffer(value)) return false;
  }
  return true;
}

/**
 * The body of a Produce request of versions 3 to 8 in one buffer, byte for byte what kafkajs writes, which makes a buffer for each
 * record, header and number: two thirds of the processor time of its transactions.
 */
export function produceBody(options: ProduceOptions, now = Date.now()): Buffer {
  const { acks = -1, timeout = 30_000, transactionalId = null, topicData } = options;
  const batches = topicData.map(({ partitions }) => partitions.map(({ messages }) => sizedBatch(messages, now)));
  let bytes = requestHeadBytes + stringBytes(transactionalId);
  for (const [index, { topic }] of topicData.entries()) {
    bytes += 4 + stringBytes(topic);
    for (const { bytes: batch } of batches[index] ?? []) bytes += 8 + batch;
  }
  const out = new Writer(Buffer.allocUnsafe(bytes));
  out.string(transactionalId);
  out.int16(acks);
  out.int32(timeout);
  out.int32(topicData.length);
  for (const [index, { topic, partitions }] of topicData.entries()) {
    out.string(topic);
    out.int32(partitions.length);
    for (const [place, data] of partitions.entries()) {
      const batch = batches[index]?.[place];
      if (batch === undefined) continue;
      out.int32(data.partition);
      out.int32(batch.bytes);
      writeBatch(out, data, batch, options);
    }
  }
  return out.buffer;
}

interface SizedBatch {
  readonly bytes: number;
  /** Of each record, without the number that tells it. */
  readonly recordBytes: readonly number[];
  /** Milliseconds since 1970, of each record. */
  readonly timestamps: readonly number[];
  readonly first: number;
  readonly last: number;
}

function sizedBatch(messages: readonly ProducedMessage[], now: number): SizedBatch {
  const timestamps = messages.map(({ timestamp }) => (timestamp === undefined ? now : Number(timestamp)));
  const first = timestamps.reduce((a, b) => Math.min(a, b), timestamps[0] ?? now);
  const last = timestamps.reduce((a, b) => Math.max(a, b), first);
  let bytes = batchHeadBytes;
  const recordBytes = messages.map((message, index) => {
    const size = sizeOfRecord(message, index, (timestamps[index] ?? now) - first);
    bytes += sizeOfVarint(size) + size;
    return size;
  });
  return { bytes, recordBytes, timestamps, first, last };
}

function sizeOfRecord({ key, value, headers = {} }: ProducedMessage, offset: number, elapsed: number): number {
  let bytes = 1 + sizeOfVarint(elapsed) + sizeOfVarint(offset) + sizeOfBytes(key) + sizeOfBytes(value);
  let count = 0;
  for (const name in headers) {
    bytes += sizeOfBytes(name) + sizeOfBytes(headerValue(headers[name]));
    count++;
  }
  return bytes + sizeOfVarint(count);
}

function writeBatch(
  out: Writer,
  { messages, firstSequence = 0 }: PartitionData,
  batch: SizedBatch,
  options: ProduceOptions,
) {
  const { producerId = -1, producerEpoch = 0, transactionalId } = options;
  const start = out.at;
  out.int64(0n);
  out.int32(batch.bytes - 12);
  out.int32(0);
  out.int8(magic);
  out.int32(0);
  out.int16(transactionalId ? transactional : 0);
  out.int32(messages.length - 1);
  out.int64(BigInt(batch.first));
  out.int64(BigInt(batch.last));
  out.int64(BigInt(String(producerId)));
  out.int16(producerEpoch);
  out.int32(firstSequence);
  out.int32(messages.length);
  for (const [index, { key, value, headers = {} }] of messages.entries()) {
    out.varint(batch.recordBytes[index] ?? 0);
    out.int8(0);
    out.varint((batch.timestamps[index] ?? batch.first) - batch.first);
    out.varint(index);
    out.bytes(key);
    out.bytes(value);
    out.varint(Object.keys(headers).length);
    for (const name in headers) {
      out.bytes(name);
      out.bytes(headerValue(headers[name]));
    }
  }
  out.buffer.writeUInt32BE(crc32c(out.buffer, start + summedFrom, out.at), start + crcAt);
}

function headerValue(value: unknown): string | Buffer {
  return Buffer.isBuffer(value) ? value : String(value);
}

function stringBytes(text: string | null): number {
  return 2 + (text === null ? 0 : Buffer.byteLength(text));
}

function sizeOfBytes(value: string | Buffer | null | undefined): number {
  if (value === null || value === undefined) return 1;
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  return sizeOfVarint(bytes) + bytes;
}

/** Numbers of either sign, those near zero short; exact up to 2^52. */
function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

function sizeOfVarint(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

class Writer {
  at = 0;

  constructor(readonly buffer: Buffer) {}

  int8(value: number): void {
    this.at = this.buffer.writeInt8(value, this.at);
  }

  int16(value: number): void {
    this.at = this.buffer.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.at = this.buffer.writeInt32BE(value, this.at);
  }

  int64(value: bigint): void {
    this.at = this.buffer.writeBigInt64BE(value, this.at);
  }

  string(text: string | null): void {
    if (text === null) {
      this.int16(-1);
      return;
    }
    this.int16(Buffer.byteLength(text));
    this.at += this.buffer.write(text, this.at);
  }

  varint(value: number): void {
    let rest = zigzag(value);
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[this.at++] = (rest % 128) + 128;
    this.buffer[this.at++] = rest;
  }

  bytes(value: string | Buffer | null | undefined): void {
    if (value === null || value === undefined) {
      this.varint(-1);
    } else if (typeof value === 'string') {
      this.varint(Buffer.byteLength(value));
      this.at += this.buffer.write(value, this.at);
    } else {
      this.varint(value.length);
      this.buffer.set(value, this.at);
      this.at += value.length;
    }
  }
}
