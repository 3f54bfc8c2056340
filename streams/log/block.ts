import type { Bounds, Message, StoredMessage } from '../topics.js';

/** Bytes of messages after which a block is closed: few enough to copy for one message, many enough for large writes. */
const fullBlock = 128 * 1024;

// Block: count u32, newest timestamp f64, messages. Message: length of the rest u32, timestamp f64, key length i32 (-1: null),
// headers length u32, has a value u8, then key and headers (UTF-8) and the value. Little endian.
const blockHead = 12;
const messageHead = 21;
const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

/** Consecutive messages of a partition as one value of the store. */
export interface Block {
  readonly count: number;
  /** The newest timestamp among its messages, in milliseconds since 1970. */
  readonly newest: number;
  readonly bytes: Buffer;
}

/** Messages in their order as blocks of about 128 KiB; a message without timestamp gets `now`. */
export function encodeBlocks(messages: readonly Message[], now: number): readonly Block[] {
  const blocks: Block[] = [];
  for (let first = 0; first < messages.length; ) {
    const sized: SizedMessage[] = [];
    let size = blockHead;
    for (let next = messages[first]; next !== undefined && size < fullBlock; next = messages[first + sized.length]) {
      const message = sizeOf(next);
      sized.push(message);
      size += message.size;
    }
    blocks.push(encodeBlock(sized, size, now));
    first += sized.length;
  }
  return blocks;
}

interface SizedMessage {
  readonly message: Message;
  readonly headers: string;
  readonly keyBytes: number;
  readonly headerBytes: number;
  readonly size: number;
}

function sizeOf(message: Message): SizedMessage {
  const headers = headerText(message.headers);
  const keyBytes = message.key === null ? 0 : Buffer.byteLength(message.key);
  const headerBytes = Buffer.byteLength(headers);
  const size = messageHead + keyBytes + headerBytes + (message.value?.byteLength ?? 0);
  return { message, headers, keyBytes, headerBytes, size };
}

function headerText(headers: Message['headers']): string {
  if (headers === undefined) return '';
  const text = JSON.stringify(headers);
  return text === '{}' ? '' : text;
}

function encodeBlock(messages: readonly SizedMessage[], size: number, now: number): Block {
  const bytes = Buffer.allocUnsafe(size);
  let newest = Number.NEGATIVE_INFINITY;
  let at = blockHead;
  for (const { message, headers, keyBytes, headerBytes, size: length } of messages) {
    const timestamp = message.timestamp ?? now;
    newest = Math.max(newest, timestamp);
    bytes.writeUInt32LE(length - 4, at);
    bytes.writeDoubleLE(timestamp, at + 4);
    bytes.writeInt32LE(message.key === null ? -1 : keyBytes, at + 12);
    bytes.writeUInt32LE(headerBytes, at + 16);
    bytes.writeUInt8(message.value === null ? 0 : 1, at + 20);
    const body = at + messageHead;
    if (message.key !== null) bytes.write(message.key, body, 'utf8');
    bytes.write(headers, body + keyBytes, 'utf8');
    if (message.value !== null) bytes.set(message.value, body + keyBytes + headerBytes);
    at += length;
  }
  bytes.writeUInt32LE(messages.length, 0);
  bytes.writeDoubleLE(newest, 4);
  return { count: messages.length, newest, bytes };
}

/** What the head of an encoded block says. */
export function blockHeader(bytes: Uint8Array): { readonly count: number; readonly newest: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, blockHead);
  return { count: view.getUint32(0, true), newest: view.getFloat64(4, true) };
}

/** Messages of one read, collected until its bounds are reached; the first one always fits. */
export class MessageBatch {
  readonly messages: StoredMessage[] = [];
  #bytes = 0;

  constructor(private readonly bounds: Bounds) {}

  /** Makes room for a message of so many bytes, or says that it does not fit. */
  admit(bytes: number): boolean {
    this.#bytes += bytes;
    const { maxRecords, maxBytes } = this.bounds;
    return this.messages.length === 0 || (this.messages.length < maxRecords && this.#bytes <= maxBytes);
  }
}

/**
 * Adds the messages of a block with offsets from `from` on to the batch; false when the batch is full. Values share the memory of
 * the block.
 */
export function decodeBlock(
  block: Uint8Array,
  place: { readonly topic: string; readonly partition: number; readonly base: number },
  from: number,
  batch: MessageBatch,
): boolean {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const count = bytes.readUInt32LE(0);
  let at = blockHead;
  for (let index = 0; index < count; index += 1) {
    const length = bytes.readUInt32LE(at) + 4;
    const offset = place.base + index;
    if (offset >= from) {
      if (!batch.admit(length)) return false;
      batch.messages.push(decodeMessage(bytes, at, length, place.topic, place.partition, offset));
    }
    at += length;
  }
  return true;
}

function decodeMessage(
  bytes: Buffer,
  at: number,
  length: number,
  topic: string,
  partition: number,
  offset: number,
): StoredMessage {
  const timestamp = bytes.readDoubleLE(at + 4);
  const keyLength = bytes.readInt32LE(at + 12);
  const headerBytes = bytes.readUInt32LE(at + 16);
  const keyStart = at + messageHead;
  const headerStart = keyStart + Math.max(keyLength, 0);
  const valueStart = headerStart + headerBytes;
  const key = keyLength < 0 ? null : bytes.toString('utf8', keyStart, headerStart);
  const headers = headerBytes === 0 ? noHeaders : JSON.parse(bytes.toString('utf8', headerStart, valueStart));
  const value =
    bytes[at + 20] === 0 ? null : new Uint8Array(bytes.buffer, bytes.byteOffset + valueStart, at + length - valueStart);
  return { topic, partition, offset, key, value, headers, timestamp };
}
