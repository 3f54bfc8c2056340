import type { StoredMessage } from '../topics.js';
import type { Cursor } from './partition-reader.js';

const maxBytes = 32 * 2 ** 20;

/** Messages that were fetched and not yet asked for, by the position of the first; the oldest go beyond 32 MiB. */
export class Leftovers {
  readonly #held = new Map<string, { readonly messages: readonly StoredMessage[]; readonly bytes: number }>();
  #bytes = 0;

  keep(cursor: Cursor, messages: readonly StoredMessage[]): void {
    this.take(cursor);
    const bytes = bytesOf(messages);
    this.#held.set(placeOf(cursor), { messages, bytes });
    this.#bytes += bytes;
    for (const [place, held] of this.#held) {
      if (this.#bytes <= maxBytes) return;
      this.#held.delete(place);
      this.#bytes -= held.bytes;
    }
  }

  /** Undefined where nothing is held for that position. */
  take(cursor: Cursor): readonly StoredMessage[] | undefined {
    const place = placeOf(cursor);
    const held = this.#held.get(place);
    if (held === undefined) return undefined;
    this.#held.delete(place);
    this.#bytes -= held.bytes;
    return held.messages;
  }
}

/** About what messages take, with keys and headers. */
export function bytesOf(messages: readonly StoredMessage[]): number {
  return messages.reduce((sum, { value }) => sum + (value?.byteLength ?? 0) + 100, 0);
}

function placeOf({ topic, partition, from }: Cursor): string {
  return `${topic}/${partition}/${from}`;
}
